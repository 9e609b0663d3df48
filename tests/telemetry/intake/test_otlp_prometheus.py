"""OTLP metrics are kept raw under the names and labels that Prometheus gives them."""

from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from telemetry.intake import otlp_prometheus
from telemetry.intake.otlp_deltas import DeltaMemory
from telemetry.intake.otlp_names import label_name, metric_name
from telemetry.intake.otlp_prometheus import batch_of
from telemetry.intake.refusals import Oversized

NOW_MS = 1_790_000_000_000
DELTA, CUMULATIVE = 1, 2


def request_of(
    metric: dict[str, Any], resource: dict[str, str] | None = None
) -> ExportMetricsServiceRequest:
    """An export of one metric in the JSON mapping; its points are of now unless they say else."""
    for shape in metric.values():
        for point in shape["dataPoints"] if isinstance(shape, dict) else ():
            point.setdefault("timeUnixNano", NOW_MS * 1_000_000)
    document = {
        "resourceMetrics": [
            {
                "resource": {"attributes": attributes(resource or {"service.name": "shop"})},
                "scopeMetrics": [{"metrics": [metric]}],
            }
        ]
    }
    return json_format.ParseDict(document, ExportMetricsServiceRequest())


def attributes(texts: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]


def read(metric: dict[str, Any], resource: dict[str, str] | None = None) -> dict[str, float]:
    """Samples by their series as Prometheus writes it, `job` left out."""
    batch = batch_of(request_of(metric, resource), DeltaMemory(), now_ms=NOW_MS)
    return {
        _written(batch.labels[series]): value
        for series, value in zip(batch.series.tolist(), batch.values.tolist(), strict=True)
    }


def _written(labels: Any) -> str:
    pairs = [f'{k}="{v}"' for k, v in sorted(labels.items()) if k not in {"__name__", "job"}]
    return f"{labels['__name__']}{{{','.join(pairs)}}}"


@pytest.mark.parametrize(
    ("name", "unit", "is_counter", "expected"),
    [
        ("http.server.request.duration", "s", False, "http_server_request_duration_seconds"),
        ("http.server.request.body.size", "By", False, "http_server_request_body_size_bytes"),
        ("requests", "{request}", True, "requests_total"),
        ("requests_total", "1", True, "requests_total"),
        ("disk.io", "By/s", False, "disk_io_bytes_per_second"),
        ("wait_seconds", "s", False, "wait_seconds"),
        ("8ball--shakes", "", False, "_8ball_shakes"),
        ("größe", "", False, "gr_e"),
    ],
)
def test_a_metrics_name_ends_in_its_unit(name: str, unit: str, is_counter: bool, expected: str):  # noqa: FBT001
    assert metric_name(name, unit, is_counter=is_counter) == expected


def test_a_gauge_of_one_is_a_ratio():
    assert metric_name("cpu.utilization", "1", is_gauge=True) == "cpu_utilization_ratio"


@pytest.mark.parametrize(
    ("name", "expected"), [("http.route", "http_route"), ("2xx", "key_2xx"), ("a-b", "a_b")]
)
def test_a_labels_name_has_no_dots(name: str, expected: str):
    assert label_name(name) == expected


def test_gauges_and_counters_keep_their_values():
    gauge = read({"name": "queue.depth", "gauge": {"dataPoints": [{"asDouble": 7.5}]}})
    point = {"asInt": "9", "attributes": attributes({"http.route": "/pay", "http_route": "/x"})}
    monotonic = {"isMonotonic": True, "aggregationTemporality": CUMULATIVE, "dataPoints": [point]}

    assert gauge == {"queue_depth{}": 7.5}
    assert read({"name": "requests", "sum": monotonic}) == {
        'requests_total{http_route="/pay;/x"}': 9.0
    }


def test_a_histogram_counts_up_its_buckets():
    point = {
        "count": "6",
        "sum": 9.5,
        "explicitBounds": [0.5, 1.0],
        "bucketCounts": ["1", "2", "3"],
    }

    assert read({"name": "wait", "unit": "s", "histogram": {"dataPoints": [point]}}) == {
        'wait_seconds_bucket{le="0.5"}': 1.0,
        'wait_seconds_bucket{le="1"}': 3.0,
        'wait_seconds_bucket{le="+Inf"}': 6.0,
        "wait_seconds_count{}": 6.0,
        "wait_seconds_sum{}": 9.5,
    }


def test_an_exponential_histogram_has_the_same_bounds_at_every_scale():
    coarse = {
        "count": "3",
        "sum": 9.0,
        "scale": 0,
        "positive": {"offset": 0, "bucketCounts": ["3"]},
    }
    fine = {**coarse, "scale": 3, "positive": {"offset": 7, "bucketCounts": ["3"]}}

    read_coarse, read_fine = (
        read({"name": "wait", "exponentialHistogram": {"dataPoints": [point]}})
        for point in (coarse, fine)
    )

    assert read_coarse == read_fine
    assert read_coarse['wait_bucket{le="2"}'] == 3.0
    assert read_coarse['wait_bucket{le="1.4142135623730951"}'] == 0.0


def test_a_summary_has_its_quantiles():
    point = {"count": "2", "sum": 3.0, "quantileValues": [{"quantile": 0.99, "value": 2.0}]}

    assert read({"name": "wait", "summary": {"dataPoints": [point]}}) == {
        "wait_count{}": 2.0,
        "wait_sum{}": 3.0,
        'wait{quantile="0.99"}': 2.0,
    }


def test_the_resource_becomes_job_and_instance_and_the_rest_target_info():
    resource = {
        "service.namespace": "store",
        "service.name": "checkout",
        "service.instance.id": "a",
        "host.name": "h1",
    }
    request = request_of({"name": "up", "gauge": {"dataPoints": [{"asInt": "1"}]}}, resource)

    labels = batch_of(request, DeltaMemory(), now_ms=NOW_MS).labels

    origin = {"job": "store/checkout", "instance": "a"}
    assert list(labels) == [
        {"__name__": "up", **origin},
        {"__name__": "target_info", "host_name": "h1", **origin},
    ]


def test_deltas_add_up_and_one_sent_again_counts_once():
    memory = DeltaMemory()

    def values(count: int, at_ms: int) -> list[float]:
        point = {"asInt": str(count), "timeUnixNano": at_ms * 1_000_000}
        delta = {"isMonotonic": True, "aggregationTemporality": DELTA, "dataPoints": [point]}
        batch = batch_of(request_of({"name": "n", "sum": delta}), memory, now_ms=NOW_MS)
        return batch.values.tolist()

    assert values(5, NOW_MS) == [5.0]
    assert values(2, NOW_MS + 10) == [7.0]
    assert values(2, NOW_MS + 10) == [7.0]
    assert values(5, NOW_MS) == []
    assert values(1, NOW_MS + 20) == [8.0]


def test_series_unseen_longest_begin_at_nothing_again():
    memory = DeltaMemory(max_series=1)

    counts = [memory.add(series, at, [1.0]) for at, series in enumerate("aabba")]

    assert counts == [(1.0,), (2.0,), (1.0,), (2.0,), (1.0,)]


def test_a_point_marked_as_not_recorded_ends_its_series():
    request = request_of({"name": "up", "gauge": {"dataPoints": [{"flags": 1}]}})

    values = batch_of(request, DeltaMemory(), now_ms=NOW_MS).values

    assert values.view(np.uint64).tolist() == [0x7FF0000000000002]


def test_what_is_refused_for_its_time_or_shape_is_left_out():
    old = {"asInt": "1", "timeUnixNano": (NOW_MS - 2 * 86_400_000) * 1_000_000}
    odd = {"count": "1", "explicitBounds": [1.0], "bucketCounts": ["1"]}

    assert read({"name": "old", "gauge": {"dataPoints": [old]}}) == {}
    assert read({"name": "odd", "histogram": {"dataPoints": [odd]}}) == {}


def test_more_samples_than_one_export_may_hold_are_refused(monkeypatch: Any):
    monkeypatch.setattr(otlp_prometheus, "MOST_SAMPLES", 3)
    point = {"count": "6", "sum": 1.0, "explicitBounds": [1.0], "bucketCounts": ["1", "2"]}

    with pytest.raises(Oversized, match="3 samples"):
        read({"name": "wait", "histogram": {"dataPoints": [point]}})
