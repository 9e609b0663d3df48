"""A metrics export becomes samples as Prometheus would have scraped them.

https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
What `otlp_metrics` refuses for its time or shape is left out here without being counted again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_DELTA,
    DataPointFlags,
    Metric,
)

from telemetry.intake.exponential import BOUNDS, MOST_BUCKETS, OddHistogram, classic
from telemetry.intake.otlp_body import Budget
from telemetry.intake.otlp_deltas import Counts, DeltaMemory
from telemetry.intake.otlp_names import label_name, metric_name
from telemetry.intake.otlp_values import MAX_LABELS, read_attributes
from telemetry.intake.refusals import Oversized
from telemetry.samples import Buckets
from telemetry.store.frames import Batch

Labels = dict[str, str]
HOUR_MS = 3_600_000
MOST_SAMPLES = 1_000_000
STALE = float(np.array([0x7FF0000000000002], np.uint64).view(np.float64)[0])
_IDENTITY = ("service.namespace", "service.name", "service.instance.id")


@dataclass(slots=True)
class _Rows:
    """Samples as they are read; each series is held once."""

    places: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    series: list[int] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, name: str, labels: Mapping[str, str], at_ms: int, value: float) -> None:
        if len(self.values) >= MOST_SAMPLES:
            raise Oversized(f"An export may hold {MOST_SAMPLES:,} samples, each bucket being one.")
        key = (("__name__", name), *labels.items())
        self.series.append(self.places.setdefault(key, len(self.places)))
        self.at_ms.append(at_ms)
        self.values.append(value)

    def batch(self) -> Batch:
        return Batch(
            [dict(key) for key in self.places],
            np.array(self.series, np.int64),
            np.array(self.at_ms, np.int64),
            np.array(self.values, np.float64),
        )


def batch_of(request: ExportMetricsServiceRequest, deltas: DeltaMemory, *, now_ms: int) -> Batch:
    """Raises Oversized."""
    rows, budget = _Rows(), Budget()
    for resource in budget.spend(request.resource_metrics):
        attributes = read_attributes(resource.resource.attributes)
        origin = _origin(attributes)
        newest_ms = 0
        for scope in budget.spend(resource.scope_metrics):
            for metric in budget.spend(scope.metrics):
                for point in budget.spend(_timely(metric, now_ms)):
                    _Point(metric, point, origin, deltas).write(rows)
                    newest_ms = max(newest_ms, _at_ms(point))
        if newest_ms:
            _describe(attributes, origin, newest_ms, rows)
    return rows.batch()


def _origin(attributes: Mapping[str, str]) -> Labels:
    space, name, instance = (attributes.get(key, "") for key in _IDENTITY)
    job = f"{space}/{name}" if space and name else name
    return {key: text for key, text in (("job", job), ("instance", instance)) if text}


def _describe(attributes: Mapping[str, str], origin: Labels, at_ms: int, rows: _Rows) -> None:
    """Whatever else is known of the process is on one series, to be joined when it is asked for."""
    others = {key: value for key, value in attributes.items() if key not in _IDENTITY}
    if others and origin:
        rows.add("target_info", _as_labels(others) | origin, at_ms, 1.0)


def _as_labels(attributes: Mapping[str, str]) -> Labels:
    """Names that become the same share one label, in the order of their first spelling."""
    labels: Labels = {}
    for name, value in sorted(attributes.items()):
        if value:
            key = label_name(name)
            labels[key] = f"{labels[key]};{value}" if key in labels else value
    return labels


def _timely(metric: Metric, now_ms: int) -> Iterator[Any]:
    shape = metric.WhichOneof("data")
    for point in getattr(metric, shape).data_points if shape else ():
        is_timely = now_ms - 24 * HOUR_MS <= _at_ms(point) <= now_ms + HOUR_MS
        if is_timely and len(point.attributes) <= MAX_LABELS:
            yield point


def _at_ms(point: Any) -> int:
    return int(point.time_unix_nano // 1_000_000)


class _Point:
    """One data point of any shape, on its way to being samples."""

    def __init__(self, metric: Metric, point: Any, origin: Labels, deltas: DeltaMemory) -> None:
        self._shape = metric.WhichOneof("data") or ""
        of_shape = getattr(metric, self._shape)
        temporality = getattr(of_shape, "aggregation_temporality", 0)
        is_counter = self._shape == "sum" and of_shape.is_monotonic
        self._name = metric_name(
            metric.name, metric.unit, is_counter=is_counter, is_gauge=self._shape == "gauge"
        )
        self._is_delta = temporality == AGGREGATION_TEMPORALITY_DELTA
        self._labels = _labels_of(point.attributes, origin)
        self._point = point
        self._deltas = deltas

    def write(self, rows: _Rows) -> None:
        if self._point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            self._write_stale(rows)
        elif self._shape in {"gauge", "sum"}:
            self._write_number(rows)
        elif self._shape == "summary":
            self._write_summary(rows)
        else:
            self._write_histogram(rows)

    def _add(self, rows: _Rows, suffix: str, value: float, **more: str) -> None:
        rows.add(f"{self._name}{suffix}", self._labels | more, _at_ms(self._point), value)

    def _write_stale(self, rows: _Rows) -> None:
        for suffix in [""] if self._shape in {"gauge", "sum"} else ["_count", "_sum"]:
            self._add(rows, suffix, STALE)

    def _write_number(self, rows: _Rows) -> None:
        kind = self._point.WhichOneof("value")
        counts = self._total([float(getattr(self._point, kind))]) if kind else None
        if counts:
            self._add(rows, "", counts[0])

    def _write_summary(self, rows: _Rows) -> None:
        self._add(rows, "_count", float(self._point.count))
        self._add(rows, "_sum", self._point.sum)
        for each in self._point.quantile_values[:MOST_BUCKETS]:
            self._add(rows, "", each.value, quantile=_number(each.quantile))

    def _write_histogram(self, rows: _Rows) -> None:
        try:
            buckets = self._buckets()
        except OddHistogram:
            return
        point = self._point
        counts = self._total([*buckets.counts, point.count, point.sum], buckets.bounds)
        if counts is None:
            return
        *each, count, total = counts
        self._add(rows, "_count", count)
        if point.HasField("sum"):
            self._add(rows, "_sum", total)
        for bound, below in _shown(buckets.bounds, list(accumulate(each))):
            self._add(rows, "_bucket", below, le=_number(bound))
        self._add(rows, "_bucket", count, le="+Inf")

    def _buckets(self) -> Buckets:
        if self._shape == "exponential_histogram":
            return classic(self._point)
        bounds, counts = self._point.explicit_bounds, self._point.bucket_counts
        is_right = len(counts) == len(bounds) + 1 or not (counts or bounds)
        if not is_right or len(bounds) > MOST_BUCKETS:
            raise OddHistogram("the counts do not fit the bounds")
        return Buckets(tuple(bounds), tuple(counts), self._point.sum)

    def _total(self, counts: Iterable[float], bounds: tuple[float, ...] = ()) -> Counts | None:
        if not self._is_delta:
            return tuple(map(float, counts))
        series = (self._name, tuple(self._labels.items()), bounds)
        return self._deltas.add(series, _at_ms(self._point), tuple(map(float, counts)))


def _labels_of(attributes: Iterable[KeyValue], origin: Labels) -> Labels:
    return _as_labels(read_attributes(attributes)) | origin


def _shown(bounds: tuple[float, ...], below: list[float]) -> Iterator[tuple[float, float]]:
    """Of the bounds that every exponential histogram has, those between which something is."""
    if bounds is not BOUNDS:
        yield from zip(bounds, below, strict=False)
    elif below[-1]:
        first = max(next(place for place, count in enumerate(below) if count) - 1, 0)
        last = below.index(below[-1])
        yield from list(zip(bounds, below, strict=False))[first : last + 1]


def _number(number: float) -> str:
    return np.format_float_positional(number, trim="-")
