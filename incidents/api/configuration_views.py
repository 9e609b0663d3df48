from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from incidents import connecting, inbox, rotating, search, tasks
from incidents.api.configuration import (
    Connect,
    ConnectedSerializer,
    CorrelationRuleSerializer,
    IntegrationSerializer,
    MessageSerializer,
    Revoke,
    Rotate,
    SavedViewSerializer,
    WholeMessageSerializer,
)
from incidents.api.requests import Nothing
from incidents.models import CorrelationRule, Integration, Message, SavedView
from incidents.search_languages import INCIDENTS
from telemetry.access import Holds
from telemetry.api.filtering import KeyFilter

NUMBER = "[0-9]{1,18}"


class IntegrationViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[Integration],
):
    """Senders of alerts. Disabling one is a PATCH of `is_enabled`."""

    queryset = Integration.objects.all()
    serializer_class = IntegrationSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "incidents.view_integration",
        "write": "incidents.change_integration",
        "create": "incidents.add_integration",
    }
    lookup_value_regex = NUMBER

    @extend_schema(request=Connect, responses={201: ConnectedSerializer})
    def create(self, request: Request) -> Response:
        asked = Connect(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        person: User = request.user  # type: ignore[assignment]
        connected = connecting.connect(wanted["provider"], name=wanted["name"], by=person)
        if wanted.get("mapping") is not None:
            connected.integration.mapping = wanted["mapping"]
            connected.integration.save(update_fields=["mapping"])
        return Response(ConnectedSerializer(connected).data, status=201)

    @extend_schema(request=Rotate, responses=ConnectedSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """A new token, shown this once; the old one stops working within seconds of the overlap."""
        integration = self.get_object()
        asked = Rotate(data=request.data)
        asked.is_valid(raise_exception=True)
        overlap = timedelta(seconds=asked.validated_data["overlap_seconds"])
        connected = rotating.rotate(integration, overlap=overlap)
        return Response(ConnectedSerializer(connected).data)

    @extend_schema(request=Revoke, responses=IntegrationSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Ends one of two tokens, by how it begins; the other one stays."""
        integration = self.get_object()
        asked = Revoke(data=request.data)
        asked.is_valid(raise_exception=True)
        left = rotating.revoke(integration, prefix=asked.validated_data["token_prefix"])
        return Response(self.get_serializer(left).data)


class MessageFilters(filters.FilterSet):
    state = filters.ChoiceFilter(choices=Message.State.choices)
    integration = KeyFilter("integration_id")

    class Meta:
        model = Message
        fields: tuple[str, ...] = ()


class MessageViewSet(viewsets.ReadOnlyModelViewSet[Message]):
    """Deliveries as they came. The list leaves the bodies out."""

    queryset = Message.objects.select_related("integration")
    serializer_class = MessageSerializer
    permission_classes = (Holds,)
    permissions = {"read": "incidents.view_message", "replay": "incidents.change_message"}
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = MessageFilters
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[Message]:
        messages = super().get_queryset()
        return messages.defer("body") if self.action == "list" else messages

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Message]]:
        return MessageSerializer if self.action == "list" else WholeMessageSerializer

    @extend_schema(request=Nothing, responses={202: WholeMessageSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Reads the delivery again, for example after its mapping was mended."""
        inbox.replay(self.get_object())
        tasks.drain_inbox.delay_on_commit()
        return Response(self.get_serializer(self.get_object()).data, status=202)


class CorrelationRuleViewSet(viewsets.ModelViewSet[CorrelationRule]):
    queryset = CorrelationRule.objects.all()
    serializer_class = CorrelationRuleSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "incidents.view_correlationrule",
        "write": "incidents.change_correlationrule",
        "create": "incidents.add_correlationrule",
        "destroy": "incidents.delete_correlationrule",
    }
    ordering = ("position", "pk")
    lookup_value_regex = NUMBER


class SavedViewViewSet(viewsets.ModelViewSet[SavedView]):
    """One's own and the shared ones; only one's own can be changed."""

    queryset = SavedView.objects.select_related("owner")
    serializer_class = SavedViewSerializer
    permission_classes = (Holds,)
    permissions = {"read": "incidents.view_savedview", "write": "incidents.view_savedview"}
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[SavedView]:
        mine = Q(owner=self.request.user.pk)
        is_reading = self.request.method in ("GET", "HEAD", "OPTIONS")
        return super().get_queryset().filter(mine | Q(is_shared=True) if is_reading else mine)

    def perform_create(self, serializer: serializers.BaseSerializer[SavedView]) -> None:
        self._save(serializer)

    def perform_update(self, serializer: serializers.BaseSerializer[SavedView]) -> None:
        self._save(serializer)

    def _save(self, serializer: serializers.BaseSerializer[SavedView]) -> None:
        """Only searches that can be read are kept."""
        query = serializer.validated_data.get("query", "")
        search.read(query, INCIDENTS, by=self.request.user, at=timezone.now())
        serializer.save()
