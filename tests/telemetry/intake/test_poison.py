"""P-14 for telemetry: nothing a sender can say stops intake."""

import gzip
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.intake.otlp_http import MAX_BODY_BYTES
from tests.payloads import poison
from tests.telemetry.intake.sending import JSON, PROTOBUF, WRITE, Sender, snappy, write_request
from tests.telemetry.intake.test_receivers import TRACE, logs, trace

ALLOWED = {200, 204, 400, 413, 415}
MOST_SECONDS = 9.0 if sys.gettrace() else 3.0
MOST_GROWTH = 300 * 2**10  # kibibytes; the largest body is 16 MiB of nothings, two bytes each
MEGABYTE = 1_000_000
SIGNALS = ("/v1/metrics", "/v1/logs", "/v1/traces")


@dataclass(frozen=True)
class Bad:
    name: str
    path: str
    make: Callable[[], bytes] = field(repr=False)
    media_type: str = PROTOBUF
    coding: str = ""


def _log(change: Callable[[Any], object]) -> bytes:
    request = logs("poisoned")
    change(request.resource_logs[0].scope_logs[0].log_records[0])
    return request.SerializeToString()


def _span(change: Callable[[Any], object]) -> bytes:
    request = trace("poisoned")
    change(request.resource_spans[0].scope_spans[0].spans[0])
    return request.SerializeToString()


def _gauge(field_name: str, value: float) -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="poisoned")
    point = metric.gauge.data_points.add(time_unix_nano=time.time_ns(), as_double=1.0)
    setattr(point, field_name, value)
    return request.SerializeToString()


def _odd_buckets() -> bytes:
    """Two clocks of numbers that do not go together, and exponents out of all range."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    now_ns = time.time_ns()
    metrics.add(name="classic").histogram.data_points.add(
        time_unix_nano=now_ns, count=2**64 - 1, sum=1e308, bucket_counts=[2**64 - 1] * 3
    )
    for scale in (-(2**31), 2**31 - 1, 0):
        points = metrics.add(name=f"exponential{scale}").exponential_histogram.data_points
        point = points.add(time_unix_nano=now_ns, count=2**64 - 1, sum=1e308, scale=scale)
        point.positive.offset = -(2**31)
        point.positive.bucket_counts.extend([2**64 - 1] * 300)
    return request.SerializeToString()


def _many_labels(part: Any) -> None:
    for number in range(10_000):
        part.attributes.add(key=f"label{number}").value.string_value = "x"


def _long_label(part: Any) -> None:
    part.attributes.add(key="k" * MEGABYTE).value.string_value = "v\x00" * MEGABYTE


def _nothings(part: Any) -> None:
    value = part.attributes.add(key="list").value.array_value.values
    for _ in range(200_000):
        value.add()


def _nested(part: Any) -> None:
    value = part.attributes.add(key="deep").value
    for _ in range(30):
        value = value.array_value.values.add()


def _samples(at_ms: int, value: float, **labels: str) -> Callable[[], bytes]:
    series = {"__name__": "poisoned", **labels}
    return lambda: snappy(write_request((series, [(at_ms, value)])))


def _gzip_bomb() -> bytes:
    return gzip.compress(b"\0" * (MAX_BODY_BYTES + 1), mtime=0)


def _snappy_bomb() -> bytes:
    return snappy(b"\0" * (MAX_BODY_BYTES + 1))


ANY_OTLP = {
    "empty": b"",
    "cut off": logs("x").SerializeToString()[:-3],
    "random": bytes(range(256)) * 100,
    "endless varint": b"\x0a" + b"\xff" * 20,
    "unknown groups": b"\x0b" * 1_000,
    "nothings": b"\x0a\x00" * (MAX_BODY_BYTES // 2),
    "nothings in one": b"\x0a\x80\x80\x80\x04" + b"\x12\x00" * (2**22),
}
ANY_JSON = {
    "wrong types": b'{"resourceMetrics":[5,null,{}],"resourceLogs":[5],"resourceSpans":"x"}',
    "a wrong number": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"x"}]}]}]}',
    "a wrong id": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}',
    "null everywhere": b'{"resourceMetrics":null,"resourceLogs":null,"resourceSpans":null}',
}
BODIES = (
    *(Bad(f"{path} {n}", path, lambda b=b: b) for path in SIGNALS for n, b in ANY_OTLP.items()),
    *(
        Bad(f"{path} {n}", path, lambda b=b: b, JSON)
        for path in SIGNALS
        for n, b in ANY_JSON.items()
    ),
    *(
        Bad(
            f"{path} gzip bomb", path, partial(gzip.compress, b"\0" * 2**25, mtime=0), coding="gzip"
        )
        for path in SIGNALS
    ),
    *(
        Bad(f"{path} {each.name}", path, each.make, JSON)
        for path in SIGNALS
        for each in poison.POISONS
        if each.content_type == JSON
    ),
    *(
        Bad(f"{path} {change.__name__}", path, partial(of, change))
        for path, of in (("/v1/logs", _log), ("/v1/traces", _span))
        for change in (_many_labels, _long_label, _nothings, _nested)
    ),
    Bad("log of 1970", "/v1/logs", lambda: _log(lambda r: setattr(r, "time_unix_nano", 1))),
    Bad("log of 9999", "/v1/logs", lambda: _log(lambda r: setattr(r, "time_unix_nano", 2**64 - 1))),
    Bad(
        "odd severity", "/v1/logs", lambda: _log(lambda r: setattr(r, "severity_number", -(2**31)))
    ),
    Bad("long ids", "/v1/logs", lambda: _log(lambda r: setattr(r, "trace_id", b"i" * MEGABYTE))),
    Bad("odd kind", "/v1/traces", lambda: _span(lambda s: setattr(s, "kind", -100))),
    Bad(
        "endless span",
        "/v1/traces",
        lambda: _span(lambda s: setattr(s, "end_time_unix_nano", 2**64 - 1)),
    ),
    Bad(
        "long parent",
        "/v1/traces",
        lambda: _span(lambda s: setattr(s, "parent_span_id", b"p" * 9)),
    ),
    *(
        Bad(f"gauge of {value}", "/v1/metrics", partial(_gauge, "as_double", value))
        for value in (float("nan"), float("inf"), -0.0)
    ),
    *(
        Bad(f"gauge at {at_ns}", "/v1/metrics", partial(_gauge, "time_unix_nano", at_ns))
        for at_ns in (0, 1, 2**64 - 1)
    ),
    Bad("odd buckets", "/v1/metrics", _odd_buckets),
    Bad("snappy bomb", WRITE, _snappy_bomb),
    Bad("claims 4 GB", WRITE, lambda: b"\xff\xff\xff\xff\x0f" + b"\0" * 100),
    Bad("no snappy", WRITE, lambda: b"not snappy"),
    Bad("nothing", WRITE, lambda: b""),
    Bad("no request", WRITE, lambda: snappy(b"\xff\xff\xff")),
    Bad(
        "cut off write", WRITE, lambda: snappy(write_request(({"__name__": "up"}, [(1, 1.0)]))[:-3])
    ),
    Bad("nothings written", WRITE, lambda: snappy(b"\x0a\x00" * (MAX_BODY_BYTES // 2))),
    Bad("10,000 labels", WRITE, _samples(1, 1.0, **{f"l{n}": "x" for n in range(10_000)})),
    Bad("1 MB label", WRITE, _samples(1, 1.0, label="x" * MEGABYTE)),
    Bad("label with NUL", WRITE, _samples(1, 1.0, label="a\x00b")),
    Bad("written in 1970", WRITE, _samples(1, 1.0)),
    Bad("written in 9999", WRITE, _samples(253_402_300_799_000, 1.0)),
    Bad("before all time", WRITE, _samples(-(2**63), 1.0)),
    Bad("after all time", WRITE, _samples(2**63 - 1, 1.0)),
    *(
        Bad(f"sample of {value}", WRITE, _samples(time.time_ns() // MEGABYTE, value))
        for value in (float("nan"), float("inf"), float("-inf"), -0.0, 5e-324)
    ),
)


@pytest.fixture
def good() -> dict[str, tuple[bytes, int]]:
    """A valid delivery for each path, and how it is answered."""
    now_ms = time.time_ns() // MEGABYTE
    return {
        "/v1/metrics": (_gauge("as_double", 2.0), 200),
        "/v1/logs": (logs("good").SerializeToString(), 200),
        "/v1/traces": (trace("good").SerializeToString(), 200),
        WRITE: (snappy(write_request(({"__name__": "good"}, [(now_ms, 1.0)]))), 204),
    }


@pytest.mark.parametrize("bad", BODIES, ids=lambda bad: bad.name)
def test_a_poisonous_body_is_answered_soon_and_stops_nobody(
    sender: Sender, good: dict[str, tuple[bytes, int]], bad: Bad
):
    body = bad.make()
    headers = {"Content-Encoding": bad.coding} if bad.coding else {}
    started_at, before = time.process_time(), _most_memory()

    answer = sender.post(bad.path, body, bad.media_type, **headers)

    assert time.process_time() - started_at < MOST_SECONDS
    assert _most_memory() - before < MOST_GROWTH
    assert answer.status_code in ALLOWED, answer.content
    valid, accepted = good[bad.path]
    assert sender.post(bad.path, valid).status_code == accepted


numbers = st.integers(-(2**64), 2**65) | st.floats() | st.booleans()
leaves = (
    st.none() | numbers | st.text(max_size=8) | st.sampled_from(["NaN", "0", "AAAA", TRACE.hex()])
)
FIELDS = [
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "resourceSpans",
    "scopeSpans",
    "spans",
    "resource",
    "attributes",
    "key",
    "value",
    "stringValue",
    "arrayValue",
    "kvlistValue",
    "values",
    "bytesValue",
    "body",
    "traceId",
    "spanId",
    "parentSpanId",
    "events",
    "links",
    "timeUnixNano",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "severityNumber",
    "status",
    "kind",
    "flags",
]
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(document=documents)
def test_json_of_any_shape_is_kept_or_refused(sender: Sender, path: str, document: Any):
    top = {"resourceLogs": document, "resourceSpans": document}
    for body in (json.dumps(document).encode(), json.dumps(top).encode()):
        assert sender.post(path, body, JSON).status_code in ALLOWED


@pytest.mark.parametrize("kind", [ExportLogsServiceRequest, ExportTraceServiceRequest])
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6))
def test_protobuf_with_bytes_changed_is_kept_or_refused(
    sender: Sender, kind: Any, flips: list[tuple[int, int]]
):
    is_of_logs = kind is ExportLogsServiceRequest
    body = bytearray((logs("a", "b") if is_of_logs else trace("a", "b")).SerializeToString())
    for place, value in flips:
        body[place % len(body)] = value

    answer = sender.post("/v1/logs" if is_of_logs else "/v1/traces", bytes(body))

    assert answer.status_code in ALLOWED


def _most_memory() -> int:
    """The highest this process ever stood, in kibibytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
