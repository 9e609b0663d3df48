"""Changes: told by programs and people, and listed."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from telemetry import changes
from telemetry.access import Holds
from telemetry.api.serializers import MomentField
from telemetry.api.strict import Strict
from telemetry.change_event import ChangeEvent
from telemetry.changes import Told
from telemetry.models import Change

NUMBER = "[0-9]{1,18}"


def _text(longest: int) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, default="", max_length=longest)


class ChangeSerializer(serializers.ModelSerializer[Change]):
    service = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = Change
        fields = ["id", "service", "kind", "status", "title", "version", "commit", "author"]
        fields += ["environment", "url", "told_by", "began_at", "ended_at"]
        read_only_fields = fields


class TellChange(Strict):
    """The same `key` told again by the same person updates the change. An unknown service is added.

    A time that is to come counts as now; so does no time."""

    title = serializers.CharField(max_length=300)
    kind = serializers.ChoiceField(Change.Kind.choices, default="other")
    status = serializers.ChoiceField(Change.Status.choices, default="succeeded")
    service = _text(100)
    key = _text(255)
    version = _text(200)
    commit = _text(64)
    author = _text(200)
    environment = _text(100)
    url = serializers.URLField(required=False, allow_blank=True, default="", max_length=1000)
    began_at = serializers.DateTimeField(allow_null=True, default=None)
    ended_at = serializers.DateTimeField(allow_null=True, default=None)

    def validate_url(self, url: str) -> str:
        if url and not url.lower().startswith(("http://", "https://")):
            raise serializers.ValidationError("It must be http or https.")
        return url


class ChangeQuery(serializers.Serializer[Any]):
    """Of a service, of a kind, begun in a stretch of time; all of it may be left out."""

    service = serializers.SlugField(required=False, max_length=100)
    kind = serializers.ChoiceField(Change.Kind.choices, required=False, allow_blank=True)
    to = MomentField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": MomentField(required=False, source="start")}


_COLUMNS = {
    "service": "service__slug",
    "kind": "kind",
    "start": "began_at__gte",
    "to": "began_at__lte",
}


@extend_schema_view(list=extend_schema(parameters=[ChangeQuery]))
class ChangeViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Change]
):
    queryset = Change.objects.select_related("service")
    serializer_class = ChangeSerializer
    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_change", "create": "telemetry.add_change"}
    ordering = ("-began_at",)
    lookup_value_regex = NUMBER

    @extend_schema(request=TellChange, responses={201: ChangeSerializer})
    def create(self, request: Request) -> Response:
        """Tells of a change, or how one that was told before has gone on."""
        given = TellChange(data=request.data)
        given.is_valid(raise_exception=True)
        [change] = changes.note([_told(given.validated_data, request.user)])
        return Response(ChangeSerializer(change).data, status=201)

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action != "list":
            return queryset
        asked = ChangeQuery(data=self.request.query_params.dict())
        asked.is_valid(raise_exception=True)
        wanted = {_COLUMNS[name]: value for name, value in asked.validated_data.items() if value}
        return queryset.filter(**wanted)


def _told(said: dict[str, Any], by: Any) -> Told:
    person: User = by
    return Told(ChangeEvent(**said), f"person:{person.pk}", person.username, timezone.now())
