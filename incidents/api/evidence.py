"""What the analysis of an incident looked at, as it was kept."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from incidents.analysis.snapshots import chart_of
from incidents.models import Incident, Snapshot
from telemetry.access import Holds
from telemetry.api.serializers import FigureSerializer
from telemetry.api.series_answers import as_figure

NUMBER = OpenApiParameter("number", OpenApiTypes.INT, OpenApiParameter.PATH)


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    content = serializers.DictField(read_only=True)

    class Meta:
        model = Snapshot
        fields = ["id", "step", "kind", "title", "source", "question", "content", "taken_at"]
        read_only_fields = fields


@extend_schema_view(list=extend_schema(parameters=[NUMBER]))
class EvidenceViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Snapshot]):
    queryset = Snapshot.objects.all()
    serializer_class = SnapshotSerializer
    permission_classes = (Holds,)
    permissions = {"read": "incidents.view_snapshot"}
    ordering = ("pk",)
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Snapshot]:
        incident = get_object_or_404(Incident, number=self.kwargs["number"])
        return super().get_queryset().filter(incident=incident)

    @extend_schema(parameters=[NUMBER], responses=FigureSerializer)
    @action(detail=True)
    def figure(self, request: Request, number: str, pk: str) -> Response:
        """A kept metric, as `/api/v1/series/figure/` draws one that is still there."""
        kept = get_object_or_404(self.get_queryset(), pk=pk, kind=Snapshot.Kind.METRICS)
        drawn = as_figure(kept.content["series"], chart_of(kept.content))
        when = f"{kept.taken_at:%H:%M} UTC on {kept.taken_at:%-d %b}"
        sentence = f"{drawn['sentence']}; from the evidence kept at {when}"
        return Response({**drawn, "sentence": sentence})
