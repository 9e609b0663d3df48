"""The topology over time, where it is fragile, and catalogues that describe it."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import cataloguing
from telemetry.access import Holds
from telemetry.api.strict import Strict, WholeNumber
from telemetry.catalog_import import read_catalog
from telemetry.models import Service, TopologyVersion
from telemetry.safe_yaml import MAX_BYTES
from telemetry.service_edges import edges_now
from telemetry.topology_changes import difference
from telemetry.topology_versions import edges_of
from telemetry.weak_points import cycles, single_points_of_failure

NUMBER = "[0-9]{1,18}"


class CallSerializer(serializers.Serializer[Any]):
    """The calls of one stretch of time between two services."""

    caller = serializers.CharField(source="caller.name")
    callee = serializers.CharField(source="callee.name")
    calls = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    p95_ms = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField()


class TopologyVersionSerializer(serializers.ModelSerializer[TopologyVersion]):
    class Meta:
        model = TopologyVersion
        fields = ["id", "began_at", "ended_at"]
        read_only_fields = fields


class WholeTopologyVersionSerializer(TopologyVersionSerializer):
    calls = serializers.SerializerMethodField()

    class Meta(TopologyVersionSerializer.Meta):
        fields = [*TopologyVersionSerializer.Meta.fields, "calls"]
        read_only_fields = fields

    @extend_schema_field(CallSerializer(many=True))
    def get_calls(self, version: TopologyVersion) -> Any:
        return CallSerializer(edges_of(version), many=True).data


class ChangedCallSerializer(serializers.Serializer[Any]):
    """`what` is among traffic, errors and duration."""

    before = CallSerializer()
    after = CallSerializer()
    what = serializers.ListField(child=serializers.CharField())


class DifferenceSerializer(serializers.Serializer[Any]):
    added = CallSerializer(many=True)
    removed = CallSerializer(many=True)
    changed = ChangedCallSerializer(many=True)


class Since(serializers.Serializer[Any]):
    since = WholeNumber(min_value=1, max_value=10**18 - 1, help_text="The earlier version's id.")


class TopologyVersionViewSet(viewsets.ReadOnlyModelViewSet[TopologyVersion]):
    """Who called whom: one version an hour, and one more whenever something came or went."""

    queryset = TopologyVersion.objects.all()
    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_topologyversion"}
    lookup_value_regex = NUMBER

    def get_serializer_class(self) -> type[TopologyVersionSerializer]:
        return (
            TopologyVersionSerializer if self.action == "list" else WholeTopologyVersionSerializer
        )

    @extend_schema(parameters=[Since], responses=DifferenceSerializer)
    @action(detail=True)
    def difference(self, request: Request, pk: str) -> Response:
        """What is different in this version from an earlier one."""
        asked = Since(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        earlier = get_object_or_404(TopologyVersion, pk=asked.validated_data["since"])
        found = difference(edges_of(earlier), edges_of(self.get_object()))
        return Response(DifferenceSerializer(found).data)


class SinglePointSerializer(serializers.Serializer[Any]):
    """`hurts` are the critical services that need it; `cuts_off` are reached through it alone."""

    service = serializers.CharField()
    hurts = serializers.ListField(child=serializers.CharField())
    cuts_off = serializers.ListField(child=serializers.CharField())


class WeakPointsSerializer(serializers.Serializer[Any]):
    single_points = SinglePointSerializer(many=True)
    cycles = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class WeakPointsView(APIView):
    """Single points of failure, and services that need each other."""

    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_dependency"}

    @extend_schema(responses=WeakPointsSerializer, operation_id="weak_points")
    def get(self, request: Request) -> Response:
        edges = [edge[:2] for edge in edges_now()]
        critical = Service.objects.filter(tier=Service.Tier.CRITICAL)
        points = single_points_of_failure(edges, list(critical.values_list("slug", flat=True)))
        told = [
            {"service": p.service, "hurts": sorted(p.hurts), "cuts_off": sorted(p.cuts_off)}
            for p in points
        ]
        return Response({"single_points": told, "cycles": cycles(edges)})


class CatalogText(Strict):
    text = serializers.CharField(
        max_length=MAX_BYTES,
        trim_whitespace=False,
        help_text="YAML, our own or Backstage's.",
    )
    apply = serializers.BooleanField(default=False, help_text="Else it is only told.")


class EdgeSerializer(serializers.Serializer[Any]):
    caller = serializers.CharField()
    callee = serializers.CharField()


class ChangedServiceSerializer(serializers.Serializer[Any]):
    service = serializers.CharField()
    what = serializers.ListField(child=serializers.CharField())


class ImportSerializer(serializers.Serializer[Any]):
    """`confirmed` calls were only observed so far."""

    is_applied = serializers.BooleanField()
    added = serializers.ListField(child=serializers.CharField())
    changed = ChangedServiceSerializer(many=True)
    calls = EdgeSerializer(many=True)
    confirmed = EdgeSerializer(many=True)
    passed_over = serializers.ListField(child=serializers.CharField())


class CatalogView(APIView):
    """A catalogue of services and calls: what it would change, or the change itself."""

    permission_classes = (Holds,)
    permissions = {"write": "telemetry.change_service"}

    @extend_schema(request=CatalogText, responses=ImportSerializer, operation_id="import_catalog")
    def post(self, request: Request) -> Response:
        asked = CatalogText(data=request.data)
        asked.is_valid(raise_exception=True)
        is_applied: bool = asked.validated_data["apply"]
        catalog = read_catalog(asked.validated_data["text"])
        done = (cataloguing.carry_out if is_applied else cataloguing.compare)(catalog)
        return Response({"is_applied": is_applied, **_told(done)})


def _told(done: cataloguing.Import) -> dict[str, Any]:
    return {
        "added": [service.slug for service in done.added],
        "changed": [{"service": each.slug, "what": words} for each, words in done.changed],
        "calls": [{"caller": a, "callee": b} for a, b in done.calls],
        "confirmed": [{"caller": a, "callee": b} for a, b in done.confirmed],
        "passed_over": list(done.passed_over),
    }
