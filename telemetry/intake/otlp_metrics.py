"""The body of an OTLP metrics export becomes samples.

https://opentelemetry.io/docs/specs/otlp/#otlphttp and, for the JSON form, #json-protobuf-encoding.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import isfinite

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_DELTA,
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)

from telemetry.intake.exponential import MOST_BUCKETS, OddHistogram, classic
from telemetry.intake.otlp_body import Budget, parse
from telemetry.intake.otlp_http import Encoding
from telemetry.intake.otlp_values import (
    MAX_LABELS,
    MAX_NAME,
    clip,
    instance_of,
    read_attributes,
    service_of,
)
from telemetry.samples import Buckets, Kind, Sample
from telemetry.series_names import SEEN_BY_CALLERS

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint
_HOUR_MS = 3_600_000


@dataclass(slots=True)
class Export:
    """What a request held: samples to keep, and how many points were refused for what reason."""

    samples: list[Sample] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Origin:
    service: str
    instance: str


class _Refused(Exception):
    """A data point that is not kept; the argument says why."""


def read_metrics(body: bytes, encoding: Encoding, *, now_ms: int) -> Export:
    """Raises Unreadable when the whole cannot be read; single bad points are counted."""
    return export_of(parse(ExportMetricsServiceRequest, body, encoding), now_ms=now_ms)


def export_of(request: ExportMetricsServiceRequest, *, now_ms: int) -> Export:
    """Summaries give no samples: quantiles of a sender's own choice. Raises Oversized."""
    export, budget = Export(), Budget()
    for resource in budget.spend(request.resource_metrics):
        attributes = read_attributes(resource.resource.attributes)
        origin = _Origin(service_of(attributes), instance_of(attributes))
        for scope in budget.spend(resource.scope_metrics):
            for metric in budget.spend(scope.metrics):
                _read_metric(metric, origin, now_ms, export, budget)
    return export


def _read_metric(
    metric: Metric, origin: _Origin, now_ms: int, export: Export, budget: Budget
) -> None:
    shape = metric.WhichOneof("data")
    if shape is None:
        export.refused["empty metrics are not kept"] += 1
    if shape is None or shape == "summary":
        return
    for point in budget.spend(getattr(metric, shape).data_points):
        if point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            continue
        try:
            export.samples.append(_read_point(metric, point, origin, now_ms))
        except _Refused as refusal:
            export.refused[str(refusal)] += 1


def _read_point(metric: Metric, point: Point, origin: _Origin, now_ms: int) -> Sample:
    at_ms = point.time_unix_nano // 1_000_000
    start_ms = point.start_time_unix_nano // 1_000_000
    _check_time(at_ms, now_ms)
    if len(point.attributes) > MAX_LABELS:
        raise _Refused(f"more than {MAX_LABELS} attributes")
    kind, unit, value, buckets = _measure(metric, point)
    if not isfinite(value) or (buckets and not isfinite(buckets.total)):
        raise _Refused("the value is not finite")
    service, name, labels = _place(metric.name, read_attributes(point.attributes), origin.service)
    return Sample(
        service, name, labels, at_ms, value, unit, kind, start_ms, origin.instance, buckets
    )


def _check_time(at_ms: int, now_ms: int) -> None:
    if at_ms > now_ms + _HOUR_MS:
        raise _Refused("more than an hour in the future")
    if at_ms < now_ms - 24 * _HOUR_MS:
        raise _Refused("more than a day old")


def _measure(metric: Metric, point: Point) -> tuple[Kind, str, float, Buckets | None]:
    if not isinstance(point, NumberDataPoint):
        of_shape = getattr(metric, str(metric.WhichOneof("data")))
        is_delta = of_shape.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
        kind: Kind = "delta_histogram" if is_delta else "histogram"
        return kind, metric.unit, float(point.count), _buckets(point)
    value = _number(point)
    if metric.WhichOneof("data") == "gauge":
        return "gauge", metric.unit, value, None
    if metric.sum.aggregation_temporality != AGGREGATION_TEMPORALITY_DELTA:
        return ("counter" if metric.sum.is_monotonic else "gauge"), metric.unit, value, None
    return "gauge", f"{metric.unit}/s", value / _interval_seconds(point), None


def _interval_seconds(point: NumberDataPoint) -> float:
    nanoseconds = point.time_unix_nano - point.start_time_unix_nano
    if not point.start_time_unix_nano or nanoseconds <= 0:
        raise _Refused("a delta without an interval")
    return nanoseconds / 1e9


def _number(point: NumberDataPoint) -> float:
    field_name = point.WhichOneof("value")
    if field_name is None:
        raise _Refused("there is no value")
    return float(getattr(point, field_name))


def _buckets(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> Buckets:
    if isinstance(point, ExponentialHistogramDataPoint):
        try:
            return classic(point)
        except OddHistogram as error:
            raise _Refused(str(error)) from error
    if len(point.explicit_bounds) > MOST_BUCKETS:
        raise _Refused(f"more than {MOST_BUCKETS:,} buckets")
    buckets = Buckets(tuple(point.explicit_bounds), tuple(point.bucket_counts), point.sum)
    is_empty = not buckets.bounds and not buckets.counts
    if not is_empty and len(buckets.counts) != len(buckets.bounds) + 1:
        raise _Refused("bucket counts do not fit the bounds")
    if any(high <= low for low, high in zip(buckets.bounds, buckets.bounds[1:], strict=False)):
        raise _Refused("bucket bounds do not increase")
    return buckets


def _place(name: str, labels: dict[str, str], service: str) -> tuple[str, str, dict[str, str]]:
    """A client's measurement says something about the service it called: a hung one says nothing
    of itself."""
    name = clip(name, MAX_NAME)
    peer = labels.pop("peer.service", "")
    if not peer:
        return service, name, labels
    return peer, f"{name}{SEEN_BY_CALLERS}", {**labels, "caller": service}
