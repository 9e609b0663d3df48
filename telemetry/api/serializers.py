from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from telemetry.api.strict import Strict, WholeNumber
from telemetry.chart_series import MAX_POINTS
from telemetry.models import Anomaly, Dependency, Series, Service

EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
USUAL_STRETCH = timedelta(hours=1)
MOMENT = {
    "type": "string",
    "minLength": 1,
    "anyOf": [{"format": "date-time"}, {"pattern": "^[0-9]{1,14}$"}],
    "description": "RFC 3339, or milliseconds since the epoch; from 1971 until 2200.",
}


class ServiceSerializer(Strict, serializers.ModelSerializer[Service]):
    calls = serializers.SlugRelatedField("slug", many=True, read_only=True)  # type: ignore[var-annotated]
    called_by = serializers.SlugRelatedField("slug", many=True, read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Service
        fields = ["slug", "name", "kind", "tier", "owner", "description", "calls", "called_by"]


class DependencySerializer(Strict, serializers.ModelSerializer[Dependency]):
    caller = serializers.SlugRelatedField("slug", queryset=Service.objects.all())
    callee = serializers.SlugRelatedField("slug", queryset=Service.objects.all())

    class Meta:
        model = Dependency
        fields = ["id", "caller", "callee", "origin", "seen_at", "calls_per_minute"]
        fields += ["error_share", "p95_ms", "confidence"]
        read_only_fields = fields[3:]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["caller"] == attrs["callee"]:
            raise serializers.ValidationError("A service does not depend on itself.")
        return attrs


class AnomalySerializer(serializers.ModelSerializer[Anomaly]):
    service = serializers.CharField(source="series.service.slug")
    metric = serializers.CharField(source="series.name")
    unit = serializers.CharField(source="series.unit")

    class Meta:
        model = Anomaly
        fields = ["id", "service", "metric", "unit", "series", "started_at", "ended_at"]
        fields += ["peak_score", "value", "lower", "upper"]
        read_only_fields = fields


class MetricSerializer(serializers.ModelSerializer[Series]):
    """A series there is, by the names that `/api/v1/series/` takes."""

    service = serializers.CharField(source="service.slug")
    metric = serializers.CharField(source="name")
    is_learning = serializers.BooleanField(
        source="watch.is_learning", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = Series
        fields = ["id", "service", "metric", "unit", "labels", "last_at_ms", "is_learning"]
        read_only_fields = fields


@extend_schema_field(MOMENT)
class MomentField(serializers.Field[datetime, str, str, Any]):
    """RFC 3339, or milliseconds since the epoch."""

    def to_internal_value(self, data: Any) -> datetime:
        text = str(data)
        if text.isascii() and text.isdecimal() and len(text) < 15:
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            moment = serializers.DateTimeField().run_validation(text)
        if not EARLIEST <= moment <= LATEST:
            raise serializers.ValidationError("It is too far away.")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class Range(serializers.Serializer[Any]):
    """A series by id, or by service and metric; of the last hour where nothing is said."""

    series = WholeNumber(required=False, min_value=1, max_value=2**63 - 1)
    service = serializers.SlugField(required=False, max_length=100)
    metric = serializers.CharField(required=False, max_length=200)
    to = MomentField(required=False)
    points = WholeNumber(required=False, min_value=10, max_value=MAX_POINTS)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": MomentField(required=False, source="start")}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "series" not in attrs and not {"service", "metric"} <= set(attrs):
            raise serializers.ValidationError("Name a series, or a service and a metric.")
        end = attrs.setdefault("to", timezone.now())
        if attrs.setdefault("start", end - USUAL_STRETCH) >= end:
            raise serializers.ValidationError({"from": ["It must be before `to`."]})
        return attrs


class LineSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    x = serializers.ListField(child=serializers.IntegerField())
    y = serializers.ListField(child=serializers.FloatField(allow_null=True))


class BandSerializer(serializers.Serializer[Any]):
    lower = serializers.ListField(child=serializers.FloatField(allow_null=True))
    upper = serializers.ListField(child=serializers.FloatField(allow_null=True))
    model = serializers.CharField(allow_null=True)
    level = serializers.FloatField()
    is_learning = serializers.BooleanField()


class MarkSerializer(serializers.Serializer[Any]):
    x = serializers.IntegerField()
    y = serializers.FloatField()
    score = serializers.FloatField()
    severity = serializers.CharField()


class WindowSerializer(serializers.Serializer[Any]):
    x0 = serializers.IntegerField()
    x1 = serializers.IntegerField(allow_null=True)
    severity = serializers.CharField()


class EventSerializer(serializers.Serializer[Any]):
    """A change; `url` is a path of the console, where it tells more."""

    x = serializers.IntegerField()
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    url = serializers.CharField(allow_blank=True)


class SeriesDataSerializer(serializers.Serializer[Any]):
    """Times are epoch milliseconds; null in `y` is a gap, null in the band is not known yet."""

    id = serializers.IntegerField()
    service = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    step = serializers.FloatField(allow_null=True, help_text="Seconds between points.")
    as_of = serializers.DateTimeField(allow_null=True)
    partial = serializers.BooleanField()  # type: ignore[assignment]
    series = LineSerializer(many=True)
    band = BandSerializer()
    anomalies = MarkSerializer(many=True)
    events = EventSerializer(many=True)
    incidents = WindowSerializer(many=True)
    thresholds = serializers.ListField(child=serializers.DictField())


class TableRowSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    value = serializers.CharField()
    expected = serializers.CharField(allow_blank=True)
    is_anomaly = serializers.BooleanField()


class FigureSerializer(serializers.Serializer[Any]):
    """For plotly: `data`, `layout` and `config` as its `newPlot` takes them."""

    series = serializers.IntegerField()
    title = serializers.CharField()
    sentence = serializers.CharField()
    data = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]
    layout = serializers.DictField()
    config = serializers.DictField()
    events = EventSerializer(many=True)
    table = TableRowSerializer(many=True)
