"""The body of an OTLP metrics export becomes samples.

https://opentelemetry.io/docs/specs/otlp/#otlphttp and, for the JSON form, #json-protobuf-encoding.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_DELTA,
    DataPointFlags,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)

from telemetry.otlp_http import Encoding, UnreadableExport

Kind = Literal["gauge", "counter", "histogram", "delta_histogram"]

SEEN_BY_CALLERS = ".seen_by_callers"

_MAX_LABELS = 64
_MAX_NAME = 255
_MAX_LABEL_VALUE = 1024
_HOUR_MS = 3_600_000
_INSTANCE_KEYS = ("service.instance.id", "host.name", "process.pid")
_CLEAN = str.maketrans({"\x00": "\ufffd"})


@dataclass(frozen=True, slots=True)
class Buckets:
    """`counts` has one more than `bounds`: the last bucket has no upper end."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of one series.

    `kind` says how to read `value`: a gauge is what it says, a counter is cumulative since
    `start_ms`, a histogram's value is its count and its `buckets` are cumulative, those of a
    delta_histogram belong to start_ms..at_ms. `instance` tells the processes of a service apart
    while rates are derived; it is no label, so a restart goes on with the same series.
    """

    service: str
    name: str
    labels: dict[str, str]
    at_ms: int
    value: float
    unit: str
    kind: Kind
    start_ms: int = 0
    instance: str = ""
    buckets: Buckets | None = None


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
    """Raises UnreadableExport when the whole cannot be read; single bad points are counted."""
    request = _parse(body, encoding)
    export = Export()
    for resource in request.resource_metrics:
        origin = _origin(_labels(resource.resource.attributes))
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                _read_metric(metric, origin, now_ms, export)
    return export


def _parse(body: bytes, encoding: Encoding) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    try:
        if encoding == "protobuf":
            request.ParseFromString(body)
        else:
            json_format.ParseDict(_json_object(body), request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError) as error:
        raise UnreadableExport("The body is not an ExportMetricsServiceRequest.") from error
    return request


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableExport("The body is not JSON.") from error
    if not isinstance(document, dict):
        raise UnreadableExport("The body is not a JSON object.")
    _drop_exemplars(document)
    return document


def _drop_exemplars(document: dict[str, Any]) -> None:
    """They are not kept, and their ids are hex, which the generic JSON mapping takes for base64."""
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            part.pop("exemplars", None)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _origin(attributes: dict[str, str]) -> _Origin:
    instance = "/".join(attributes[key] for key in _INSTANCE_KEYS if key in attributes)
    return _Origin(attributes.get("service.name") or "unknown_service", instance)


def _read_metric(metric: Metric, origin: _Origin, now_ms: int, export: Export) -> None:
    shape = metric.WhichOneof("data")
    if shape not in ("gauge", "sum", "histogram"):
        export.refused[f"{shape or 'empty'} metrics are not kept"] += _count_points(metric, shape)
        return
    for point in getattr(metric, shape).data_points:
        if point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            continue
        try:
            export.samples.append(_read_point(metric, point, origin, now_ms))
        except _Refused as refusal:
            export.refused[str(refusal)] += 1


def _count_points(metric: Metric, shape: str | None) -> int:
    return len(getattr(metric, shape).data_points) if shape else 1


def _read_point(
    metric: Metric, point: NumberDataPoint | HistogramDataPoint, origin: _Origin, now_ms: int
) -> Sample:
    at_ms = point.time_unix_nano // 1_000_000
    start_ms = point.start_time_unix_nano // 1_000_000
    _check_time(at_ms, now_ms)
    kind, unit, value, buckets = _measure(metric, point)
    if not isfinite(value) or (buckets and not isfinite(buckets.total)):
        raise _Refused("the value is not finite")
    service, name, labels = _place(metric.name, _labels(point.attributes), origin.service)
    if len(labels) > _MAX_LABELS:
        raise _Refused(f"more than {_MAX_LABELS} attributes")
    return Sample(
        service, name, labels, at_ms, value, unit, kind, start_ms, origin.instance, buckets
    )


def _check_time(at_ms: int, now_ms: int) -> None:
    if at_ms > now_ms + _HOUR_MS:
        raise _Refused("more than an hour in the future")
    if at_ms < now_ms - 24 * _HOUR_MS:
        raise _Refused("more than a day old")


def _measure(
    metric: Metric, point: NumberDataPoint | HistogramDataPoint
) -> tuple[Kind, str, float, Buckets | None]:
    if isinstance(point, HistogramDataPoint):
        is_delta = metric.histogram.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
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


def _buckets(point: HistogramDataPoint) -> Buckets:
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
    name = _text(name, _MAX_NAME)
    peer = labels.pop("peer.service", "")
    if not peer:
        return service, name, labels
    return peer, f"{name}{SEEN_BY_CALLERS}", {**labels, "caller": service}


def _labels(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {
        _text(pair.key, _MAX_NAME): _text(_plain(pair.value), _MAX_LABEL_VALUE)
        for pair in attributes
    }


def _plain(value: AnyValue) -> str:
    """https://opentelemetry.io/docs/specs/otel/common/#anyvalue-representation-for-non-otlp-protocols"""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in ("int_value", "double_value"):
        return str(getattr(value, kind))
    return json_format.MessageToJson(value, indent=None) if kind else ""


def _text(text: str, limit: int) -> str:
    text = text.translate(_CLEAN)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
