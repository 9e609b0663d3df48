from typing import Any

from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from incidents import declaring, grouping, judging, lifecycle, pinning, tasks
from incidents.api import requests
from incidents.api.searching import Searched
from incidents.api.serializers import (
    AlertSerializer,
    AnalysisSerializer,
    IncidentSerializer,
    TimelineEntrySerializer,
)
from incidents.models import Alert, AlertLink, AnalysisStep, Incident, Severity, TimelineEntry
from incidents.search_languages import ALERTS, INCIDENTS
from incidents.timeline import as_entry
from telemetry.access import Holds
from telemetry.api.filtering import KeyFilter
from telemetry.api.paged import page_of

NUMBER = "[0-9]{1,18}"
LINKS_SHOWN = 5


def shown_incidents() -> QuerySet[Incident]:
    """With everything that `IncidentSerializer` reads, in a fixed number of queries."""
    links = AlertLink.objects.order_by("linked_at", "pk")[:LINKS_SHOWN]
    steps = AnalysisStep.objects.only("incident_id", "position", "state")
    return Incident.objects.select_related("service", "assignee").prefetch_related(
        "services",
        Prefetch("links", links, to_attr="first_links"),
        Prefetch("analysis_steps", steps),
    )


class IncidentFilters(filters.FilterSet):
    status = filters.ChoiceFilter(choices=Incident.Status.choices)
    severity = filters.ChoiceFilter(choices=Severity.choices)
    service = filters.CharFilter("service__slug")

    class Meta:
        model = Incident
        fields: tuple[str, ...] = ()


class AlertFilters(filters.FilterSet):
    status = filters.ChoiceFilter(choices=Alert.Status.choices)
    severity = filters.ChoiceFilter(choices=Severity.choices)
    service = filters.CharFilter("service__slug")
    incident = KeyFilter("incident_id")

    class Meta:
        model = Alert
        fields: tuple[str, ...] = ()


class AlertViewSet(viewsets.ReadOnlyModelViewSet[Alert]):
    queryset = Alert.objects.select_related("service", "integration").defer("fold")
    serializer_class = AlertSerializer
    permission_classes = (Holds,)
    permissions = {"read": "incidents.view_alert"}
    filter_backends = (filters.DjangoFilterBackend, Searched)
    filterset_class = AlertFilters
    language = ALERTS
    ordering = ALERTS.default
    lookup_value_regex = NUMBER


class IncidentViewSet(viewsets.ReadOnlyModelViewSet[Incident]):
    queryset = shown_incidents()
    serializer_class = IncidentSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "incidents.view_incident",
        "write": "incidents.respond_incident",
    }
    filter_backends = (filters.DjangoFilterBackend, Searched)
    filterset_class = IncidentFilters
    language = INCIDENTS
    ordering = INCIDENTS.default
    lookup_field = "number"
    lookup_value_regex = NUMBER

    @extend_schema(request=requests.Declare, responses={201: IncidentSerializer})
    def create(self, request: Request) -> Response:
        """Opens an incident by hand, without an alert."""
        given = requests.Declare(data=request.data)
        given.is_valid(raise_exception=True)
        new = declaring.declare(**given.validated_data, by=_person(request))
        return Response(self.retrieve(request, self._at(new)).data, status=201)

    @extend_schema(request=requests.Transition, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def transition(self, request: Request, number: str) -> Response:
        asked, by = self._asked(requests.Transition), _person(request)
        lifecycle.transition(int(number), **asked, actor=by.username)
        return self.retrieve(request, number)

    @extend_schema(request=requests.Nothing, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, number: str) -> Response:
        self._asked(requests.Nothing)
        lifecycle.acknowledge(int(number), by=_person(request))
        return self.retrieve(request, number)

    @extend_schema(request=requests.Assign, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, number: str) -> Response:
        lifecycle.assign(int(number), **self._asked(requests.Assign), by=_person(request))
        return self.retrieve(request, number)

    @extend_schema(request=requests.Comment, responses={201: TimelineEntrySerializer})
    @action(detail=True, methods=["post"])
    def comment(self, request: Request, number: str) -> Response:
        entry = lifecycle.comment(int(number), **self._asked(requests.Comment), by=_person(request))
        return Response(as_entry(entry), status=201)

    @extend_schema(request=requests.Pin, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def pin(self, request: Request, number: str) -> Response:
        """Pins the entry of the timeline with this `seq`, or takes that back."""
        pinning.pin(int(number), **self._asked(requests.Pin), by=_person(request))
        return self.retrieve(request, number)

    @extend_schema(request=requests.Merge, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, number: str) -> Response:
        """Moves every alert into another incident and resolves this one; answers the other."""
        asked = self._asked(requests.Merge)
        into = grouping.merge(int(number), **asked, by=_person(request))
        return self.retrieve(request, self._at(into))

    @extend_schema(request=requests.Split, responses={201: IncidentSerializer})
    @action(detail=True, methods=["post"])
    def split(self, request: Request, number: str) -> Response:
        """Takes some of the alerts into a new incident, which is the answer."""
        asked = self._asked(requests.Split)
        new = grouping.split(asked["alerts"], source=int(number), by=_person(request))
        return Response(self.retrieve(request, self._at(new)).data, status=201)

    @extend_schema(request=requests.Move, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, number: str) -> Response:
        """Moves some of the alerts to another incident, which is the answer."""
        asked, by = self._asked(requests.Move), _person(request)
        into = grouping.move(asked["alerts"], source=int(number), into=asked["into"], by=by)
        return self.retrieve(request, self._at(into))

    @extend_schema(request=requests.Snooze, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, number: str) -> Response:
        """Until a moment, or with null no longer."""
        lifecycle.snooze(int(number), **self._asked(requests.Snooze), by=_person(request))
        return self.retrieve(request, number)

    @extend_schema(request=requests.ChangeSeverity, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def severity(self, request: Request, number: str) -> Response:
        asked, by = self._asked(requests.ChangeSeverity), _person(request)
        to = Severity(asked["to"])
        lifecycle.change_severity(int(number), to=to, actor=by.username, reason=asked["reason"])
        return self.retrieve(request, number)

    @extend_schema(request=requests.Retitle, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def title(self, request: Request, number: str) -> Response:
        lifecycle.retitle(int(number), **self._asked(requests.Retitle), by=_person(request))
        return self.retrieve(request, number)

    @extend_schema(request=requests.Judge, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def judge(self, request: Request, number: str) -> Response:
        """Says that a probable cause, named by its service, was the cause or was not; with null
        takes that back."""
        judging.judge(int(number), **self._asked(requests.Judge), by=_person(request))
        tasks.analyse.delay_on_commit(int(number))
        return self.retrieve(request, number)

    @extend_schema(
        parameters=[requests.After], responses=TimelineEntrySerializer(many=True), filters=False
    )
    @action(
        detail=True,
        serializer_class=TimelineEntrySerializer,
        filter_backends=(),
        ordering=("seq",),
    )
    def timeline(self, request: Request, number: str) -> Response:
        """The incident's log after a `seq`: in order, without gaps."""
        after = requests.After(data=request.query_params.dict())
        after.is_valid(raise_exception=True)
        entries = TimelineEntry.objects.filter(
            incident=self.get_object(), seq__gt=after.validated_data["after"]
        )
        return page_of(self, entries, TimelineEntrySerializer)

    @extend_schema(responses=AnalysisSerializer)
    @action(detail=True)
    def analysis(self, request: Request, number: str) -> Response:
        incident = self.get_object()
        summary = self.get_serializer(incident).data["analysis"]
        steps = AnalysisStep.objects.filter(incident=incident)
        judgements = incident.cause_labels.standing().select_related("by")
        shown = {"summary": summary, "steps": steps, "judgements": judgements}
        return Response(AnalysisSerializer(shown).data)

    def _asked(self, body: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The body, checked; 404 first when there is no such incident."""
        self.get_object()
        given = body(data=self.request.data)
        given.is_valid(raise_exception=True)
        asked: dict[str, Any] = given.validated_data
        return asked

    def _at(self, incident: Incident) -> str:
        """Turns the view to another incident."""
        number = str(incident.number)
        self.kwargs["number"] = number
        return number


def _person(request: Request) -> User:
    person: User = request.user  # type: ignore[assignment]
    return person
