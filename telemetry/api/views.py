from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import changes
from telemetry.access import Holds
from telemetry.api.filtering import TruthFilter
from telemetry.api.serializers import (
    AnomalySerializer,
    DependencySerializer,
    FigureSerializer,
    MetricSerializer,
    Range,
    SeriesDataSerializer,
    ServiceSerializer,
)
from telemetry.api.series_answers import as_data, as_figure
from telemetry.chart_loading import load_chart
from telemetry.chart_series import MAX_POINTS, Window
from telemetry.models import Anomaly, Dependency, Series, Service

SLUG = "[-a-zA-Z0-9_]+"
NUMBER = "[0-9]{1,18}"


class ServiceViewSet(viewsets.ModelViewSet[Service]):
    queryset = Service.objects.prefetch_related("calls", "called_by")
    serializer_class = ServiceSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "telemetry.view_service",
        "write": "telemetry.change_service",
        "create": "telemetry.add_service",
        "destroy": "telemetry.delete_service",
    }
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_fields = ("tier", "owner", "kind")
    ordering = ("slug",)
    lookup_field = "slug"
    lookup_value_regex = SLUG


class DependencyFilters(filters.FilterSet):
    caller = filters.CharFilter("caller__slug")
    callee = filters.CharFilter("callee__slug")

    class Meta:
        model = Dependency
        fields = ("origin",)


class DependencyViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Dependency],
):
    queryset = Dependency.objects.select_related("caller", "callee")
    serializer_class = DependencySerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "telemetry.view_dependency",
        "create": "telemetry.add_dependency",
        "destroy": "telemetry.delete_dependency",
    }
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = DependencyFilters
    ordering = ("pk",)
    lookup_value_regex = NUMBER


class AnomalyFilters(filters.FilterSet):
    service = filters.CharFilter("series__service__slug")
    is_open = TruthFilter("ended_at", lookup_expr="isnull")

    class Meta:
        model = Anomaly
        fields: tuple[str, ...] = ()


class AnomalyViewSet(viewsets.ReadOnlyModelViewSet[Anomaly]):
    queryset = Anomaly.objects.select_related("series__service")
    serializer_class = AnomalySerializer
    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_anomaly"}
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = AnomalyFilters
    lookup_value_regex = NUMBER


class MetricFilters(filters.FilterSet):
    service = filters.CharFilter("service__slug")
    metric = filters.CharFilter("name")

    class Meta:
        model = Series
        fields: tuple[str, ...] = ()


class MetricViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Series]):
    """The series there are, each of which `/api/v1/series/` can draw."""

    queryset = Series.objects.select_related("service", "watch")
    serializer_class = MetricSerializer
    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_series"}
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = MetricFilters
    ordering = ("pk",)


class SeriesView(APIView):
    """One series in a stretch of time. `windows` is for an app that knows about incidents."""

    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_series"}

    @extend_schema(parameters=[Range], responses=SeriesDataSerializer, operation_id="series")
    def get(self, request: Request) -> Response:
        return Response(as_data(*self.load(request)))

    def load(self, request: Request) -> tuple[Series, Any]:
        asked = Range(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        series, wanted = find_series(asked.validated_data), asked.validated_data
        start, end = wanted["start"], wanted["to"]
        return series, load_chart(
            series,
            start=start,
            end=end,
            now=timezone.now(),
            points=wanted.get("points", MAX_POINTS),
            incidents=self.windows(series.service, start, end),
            events=changes.events_of(series.service, start, end),
        )

    def windows(self, service: Service, start: datetime, end: datetime) -> Sequence[Window]:
        return ()


class FigureView(SeriesView):
    """The same as a plotly figure, with a sentence and a table that say what it shows."""

    @extend_schema(parameters=[Range], responses=FigureSerializer, operation_id="series_figure")
    def get(self, request: Request) -> Response:
        series, chart = self.load(request)
        return Response(as_figure(series.pk, chart))


def find_series(asked: dict[str, Any]) -> Series:
    """By id; or of the service and the metric, the one with the newest point."""
    every: QuerySet[Series] = Series.objects.select_related("service", "watch")
    if "series" in asked:
        return get_object_or_404(every, pk=asked["series"])
    named = every.filter(service__slug=asked["service"], name=asked["metric"])
    return get_object_or_404(named.order_by("-last_at_ms", "pk")[:1])
