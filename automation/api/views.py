from typing import Any

from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from automation import approval, intervention, planning
from automation.api.serializers import (
    Approve,
    Decide,
    ExecutionSerializer,
    OutputLineSerializer,
    Propose,
    RemediationSerializer,
    Settle,
    ShownExecutionSerializer,
    Stop,
)
from automation.models import Execution, OutputLine, Remediation
from incidents.api.requests import After
from telemetry.access import Holds
from telemetry.api.filtering import KeyFilter
from telemetry.api.paged import page_of

NUMBER = "[0-9]{1,18}"
LINES_SHOWN = 200
REMEDIATIONS = Remediation.objects.select_related(
    "runbook", "version", "policy", "requested_by", "execution"
).prefetch_related("approvals__by")


def asked(request: Request, body: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    given = body(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def person(request: Request) -> User:
    user: User = request.user  # type: ignore[assignment]
    return user


class RemediationFilters(filters.FilterSet):
    status = filters.ChoiceFilter(choices=Remediation.Status.choices)
    incident = KeyFilter("incident_id")

    class Meta:
        model = Remediation
        fields: tuple[str, ...] = ()


class RemediationViewSet(viewsets.ReadOnlyModelViewSet[Remediation]):
    queryset = REMEDIATIONS
    serializer_class = RemediationSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "automation.view_remediation",
        "create": "automation.add_remediation",
        "approve": "automation.approve_remediation",
        "reject": "automation.approve_remediation",
    }
    people_only = ("approve",)
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = RemediationFilters
    lookup_value_regex = NUMBER

    @extend_schema(request=Propose, responses={201: RemediationSerializer})
    def create(self, request: Request) -> Response:
        """Proposes a runbook for an incident, with parameters; it then waits for a decision."""
        wanted, by = asked(request, Propose), person(request)
        candidate = planning.by_hand(wanted["runbook"], by)
        made = planning.draft(wanted["incident"], candidate, parameters=wanted["parameters"], by=by)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=Approve, responses=RemediationSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """One person's yes to exactly the plan with this hash. Not for tokens."""
        wanted = asked(request, Approve)
        approval.approve(
            self.get_object().pk,
            plan_hash=wanted["plan_hash"],
            by=person(request),
            reason=wanted["reason"],
            is_break_glass=wanted["break_glass"],
        )
        return self.retrieve(request, pk)

    @extend_schema(request=Decide, responses=RemediationSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        approval.reject(self.get_object().pk, **asked(request, Decide), by=person(request))
        return self.retrieve(request, pk)


class ExecutionFilters(filters.FilterSet):
    state = filters.ChoiceFilter(choices=Execution.State.choices)
    remediation = KeyFilter("remediation_id")

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()


class ExecutionViewSet(viewsets.ReadOnlyModelViewSet[Execution]):
    queryset = Execution.objects.select_related("remediation__runbook").prefetch_related("steps")
    serializer_class = ExecutionSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "automation.view_execution",
        "stop": "automation.stop_execution",
        "settle": "automation.approve_remediation",
    }
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = ExecutionFilters
    ordering = ("-pk",)
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[Execution]:
        executions = super().get_queryset()
        if self.action == "list":
            return executions
        lines = OutputLine.objects.filter(kind=OutputLine.Kind.OUTPUT).order_by("-seq")
        return executions.prefetch_related(
            Prefetch("steps__output", lines[:LINES_SHOWN], to_attr="last_lines")
        )

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        if self.action == "output":
            return OutputLineSerializer
        return ExecutionSerializer if self.action == "list" else ShownExecutionSerializer

    @extend_schema(parameters=[After], responses=OutputLineSerializer(many=True), filters=False)
    @action(detail=True, filter_backends=(), ordering=("seq",))
    def output(self, request: Request, pk: str) -> Response:
        """Everything it said and became after a `seq`, in order."""
        after = After(data=request.query_params.dict())
        after.is_valid(raise_exception=True)
        lines = OutputLine.objects.filter(
            execution=self.get_object(), seq__gt=after.validated_data["after"]
        )
        return page_of(self, lines, OutputLineSerializer)

    @extend_schema(request=Stop, responses=ShownExecutionSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """`stop` ends it after the step that runs; `kill` lets go of that step too."""
        wanted = asked(request, Stop)
        by = person(request).username
        intervention.request_stop(self.get_object().pk, how=wanted["how"], by=by)
        return self.retrieve(request, pk)

    @extend_schema(request=Settle, responses=ShownExecutionSerializer)
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """Says what became of a step whose outcome is unknown."""
        wanted = asked(request, Settle)
        step = self.get_object().steps.get(pk=wanted["step"])
        intervention.settle_unknown(step.pk, verdict=wanted["verdict"], by=person(request).username)
        return self.retrieve(request, pk)
