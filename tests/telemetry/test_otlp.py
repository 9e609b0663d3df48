"""Bodies come from the real OpenTelemetry SDK, over loopback HTTP."""

import gzip
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from telemetry.intake.otlp_http import (
    MAX_BODY_BYTES,
    decompress,
    encode_response,
    encode_status,
    encoding_of,
)
from telemetry.intake.otlp_metrics import read_metrics
from telemetry.intake.refusals import Oversized, Unreadable, Unsupported
from telemetry.rates import RateState, derive

NOW_MS = 1_790_000_000_000


class Receiver:
    """A loopback server that keeps what was posted and answers as the console does."""

    def __init__(self):
        received = self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((dict(self.headers), body))
                answer = encode_response("metrics", Counter(), "protobuf")
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/metrics"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def protobuf(self, index=-1):
        headers, body = self.received[index]
        return decompress(body, headers.get("Content-Encoding", ""))


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def sdk(receiver):
    """An instrumented process: `sdk()` gives a meter and a function that exports at once."""
    providers = []

    def start(
        *, temporality=AggregationTemporality.CUMULATIVE, compression=Compression.NoCompression
    ):
        exporter = OTLPMetricExporter(
            endpoint=receiver.url,
            compression=compression,
            preferred_temporality={SdkCounter: temporality, Histogram: temporality},
        )
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        resource = Resource({"service.name": "gateway", "service.instance.id": "a"})
        provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        providers.append(provider)
        return provider.get_meter("shop"), provider.force_flush

    yield start
    for provider in providers:
        provider.shutdown()


def now_ms():
    return time.time_ns() // 1_000_000


def as_json(body):
    """The same request as the specification's JSON, ids in hex."""
    request = ExportMetricsServiceRequest.FromString(body)
    document = json_format.MessageToDict(request)
    for metric in document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
        for point in next(v["dataPoints"] for v in metric.values() if isinstance(v, dict)):
            point["exemplars"] = [
                {
                    "traceId": "5b8efff798038103d269b633813fc60c",
                    "spanId": "eee19b7ec3c1b17",
                    "asDouble": 1,
                }
            ]
    return json.dumps(document).encode()


def request_of(*points, **metric):
    """A JSON export of one metric; a point is a dict in the JSON mapping."""
    shape = metric.pop("shape", "gauge")
    points = [{"timeUnixNano": str(NOW_MS * 1_000_000), **point} for point in points]
    described = {
        "name": "queue.depth",
        shape: {"dataPoints": points, **metric.pop("of", {})},
        **metric,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "store"}}]}
    return json.dumps(
        {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [described]}]}]}
    ).encode()


def test_what_the_sdk_exports_is_read_alike_in_protobuf_and_json(sdk, receiver):
    meter, flush = sdk()
    meter.create_counter("orders", unit="{order}").add(
        3, {"region": "eu", "paid": True, "items": 2}
    )
    meter.create_histogram("http.server.request.duration", unit="s").record(0.2)
    meter.create_gauge("queue.depth").set(7)
    flush()

    from_protobuf = read_metrics(receiver.protobuf(), "protobuf", now_ms=now_ms())
    from_json = read_metrics(as_json(receiver.protobuf()), "json", now_ms=now_ms())

    assert from_protobuf == from_json
    assert not from_json.refused
    orders, duration, depth = from_json.samples
    assert (orders.service, orders.name, orders.kind, orders.value) == (
        "gateway",
        "orders",
        "counter",
        3,
    )
    assert orders.labels == {"region": "eu", "paid": "true", "items": "2"}
    assert (duration.kind, duration.unit, duration.value) == ("histogram", "s", 1)
    assert (depth.kind, depth.value) == ("gauge", 7)


def test_a_gzipped_export_is_read(sdk, receiver):
    meter, flush = sdk(compression=Compression.Gzip)
    meter.create_gauge("queue.depth").set(7)
    flush()

    export = read_metrics(receiver.protobuf(), "protobuf", now_ms=now_ms())

    assert receiver.received[0][0]["Content-Encoding"] == "gzip"
    assert [sample.value for sample in export.samples] == [7]


def test_a_cumulative_counter_becomes_a_rate_over_the_time_between_exports(sdk, receiver):
    meter, flush = sdk()
    orders = meter.create_counter("orders")
    state = RateState()
    orders.add(100)
    flush()
    orders.add(50)
    flush()

    first, second = (ExportMetricsServiceRequest.FromString(receiver.protobuf(i)) for i in (0, 1))
    point, later = (
        request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]
        for request in (first, second)
    )
    later.time_unix_nano = point.time_unix_nano + 2_000_000_000

    derived = [
        derive(
            read_metrics(request.SerializeToString(), "protobuf", now_ms=now_ms()).samples, state
        )
        for request in (first, second)
    ]

    assert derived[0] == []
    assert [(s.name, s.unit, s.value) for s in derived[1]] == [("orders.rate", "/s", 25.0)]


def test_a_clients_measurement_belongs_to_the_service_it_called(sdk, receiver):
    meter, flush = sdk(temporality=AggregationTemporality.DELTA)
    latency = meter.create_histogram("http.client.request.duration", unit="ms")
    for value in (10, 20, 30, 40):
        latency.record(value, {"peer.service": "checkout", "method": "GET"})
    flush()

    samples = derive(
        read_metrics(receiver.protobuf(), "protobuf", now_ms=now_ms()).samples, RateState()
    )

    assert {sample.service for sample in samples} == {"checkout"}
    assert {tuple(sorted(s.labels.items())) for s in samples} == {
        (("caller", "gateway"), ("method", "GET"))
    }
    found = {sample.name: sample.value for sample in samples}
    name = "http.client.request.duration.seen_by_callers"
    assert found[f"{name}.mean"] == 25
    assert 10 <= found[f"{name}.p50"] <= 25
    assert 25 < found[f"{name}.p95"] <= 50


def test_a_delta_sum_becomes_a_rate_over_its_interval():
    start = str((NOW_MS - 2000) * 1_000_000)
    body = request_of(
        {"asInt": "10", "startTimeUnixNano": start},
        shape="sum",
        unit="{order}",
        of={"aggregationTemporality": 1, "isMonotonic": True},
    )

    samples = read_metrics(body, "json", now_ms=NOW_MS).samples

    assert [(s.kind, s.value, s.unit) for s in samples] == [("gauge", 5.0, "{order}/s")]


def test_a_delta_sum_without_a_start_is_refused():
    body = request_of({"asInt": "10"}, shape="sum", of={"aggregationTemporality": 1})

    export = read_metrics(body, "json", now_ms=NOW_MS)

    assert export.refused == {"a delta without an interval": 1}


def test_a_sum_that_may_fall_is_a_gauge():
    body = request_of({"asInt": "-4"}, shape="sum", of={"aggregationTemporality": 2})

    assert [s.kind for s in read_metrics(body, "json", now_ms=NOW_MS).samples] == ["gauge"]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"asDouble": "NaN"}, "the value is not finite"),
        ({"asDouble": "-Infinity"}, "the value is not finite"),
        ({}, "there is no value"),
        (
            {"asDouble": 1, "timeUnixNano": str((NOW_MS + 3_600_001) * 10**6)},
            "more than an hour in the future",
        ),
        (
            {"asDouble": 1, "timeUnixNano": str((NOW_MS - 86_400_001) * 10**6)},
            "more than a day old",
        ),
        ({"asDouble": 1, "timeUnixNano": "0"}, "more than a day old"),
        (
            {"asDouble": 1, "attributes": [{"key": str(i)} for i in range(65)]},
            "more than 64 attributes",
        ),
    ],
)
def test_a_bad_point_is_counted_with_its_reason_and_the_good_one_kept(point, reason):
    body = request_of(point, {"asDouble": 2.5})

    export = read_metrics(body, "json", now_ms=NOW_MS)

    assert [sample.value for sample in export.samples] == [2.5]
    assert export.refused == {reason: 1}


@pytest.mark.parametrize(
    ("histogram", "reason"),
    [
        ({"bucketCounts": ["1"], "explicitBounds": [1, 2]}, "bucket counts do not fit the bounds"),
        (
            {"bucketCounts": ["1", "1", "1"], "explicitBounds": [2, 1]},
            "bucket bounds do not increase",
        ),
        (
            {"bucketCounts": ["1", "0"], "explicitBounds": [1], "sum": "NaN"},
            "the value is not finite",
        ),
    ],
)
def test_a_histogram_that_contradicts_itself_is_refused(histogram, reason):
    body = request_of({"count": "1", **histogram}, shape="histogram")

    assert read_metrics(body, "json", now_ms=NOW_MS).refused == {reason: 1}


def test_an_exponential_histogram_becomes_one_with_bounds_that_do_not_move():
    point = {
        "count": "6",
        "sum": 9.0,
        "zeroCount": "1",
        "scale": 2,
        "positive": {"offset": 0, "bucketCounts": ["1", "0", "0", "2", "2"]},
    }

    (sample,) = read_metrics(
        request_of(point, shape="exponentialHistogram"), "json", now_ms=NOW_MS
    ).samples

    filled = {
        bound: count
        for bound, count in zip(sample.buckets.bounds, sample.buckets.counts, strict=False)
        if count
    }
    assert filled == {2**-20: 1, 2**0.5: 1, 2.0: 2, 2**1.5: 2}
    assert (sample.kind, sample.value) == ("histogram", 6.0)


def test_an_exponential_histogram_out_of_all_bounds_is_refused():
    body = request_of({"count": "1", "scale": 2_000_000}, shape="exponentialHistogram")

    export = read_metrics(body, "json", now_ms=NOW_MS)

    assert export.refused == {"the scale or the number of buckets is out of bounds": 1}


def test_a_point_marked_as_not_recorded_is_neither_kept_nor_refused():
    export = read_metrics(request_of({"flags": 1}), "json", now_ms=NOW_MS)

    assert not export.samples
    assert not export.refused


def test_text_no_database_takes_is_made_harmless():
    attributes = [{"key": "k", "value": {"stringValue": "a\x00b" + "x" * 5000}}]
    body = request_of({"asDouble": 1, "attributes": attributes}, name="n\x00")

    (sample,) = read_metrics(body, "json", now_ms=NOW_MS).samples

    assert sample.name == "n\ufffd"
    assert sample.labels["k"].startswith("a\ufffdb")
    assert len(sample.labels["k"]) == 1024


def test_structured_attributes_become_json_text():
    attributes = [
        {"key": "k", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}},
        {"key": "e"},
    ]

    (sample,) = read_metrics(
        request_of({"asDouble": 1, "attributes": attributes}), "json", now_ms=NOW_MS
    ).samples

    assert json.loads(sample.labels["k"]) == {"arrayValue": {"values": [{"intValue": "1"}]}}
    assert sample.labels["e"] == ""


def test_fields_from_a_newer_version_of_the_protocol_are_ignored():
    body = request_of({"asDouble": 1, "fromTheFuture": [1]})

    assert len(read_metrics(body, "json", now_ms=NOW_MS).samples) == 1


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"{", "json"),
        (b"[]", "json"),
        (b"null", "json"),
        (b'{"resourceMetrics": 1}', "json"),
        (b'{"resourceMetrics": [{"resource": NaN}]}', "json"),
        (b'{"resourceMetrics":' * 2000 + b"1" + b"}" * 2000, "json"),
        (b'{"resourceMetrics": [{"resource": {"attributes": [{"key": "\\ud800"}]}}]}', "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b"\xff\xff\xff", "protobuf"),
        (b"{}", "protobuf"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(body, encoding):
    with pytest.raises(Unreadable) as refusal:
        read_metrics(body, encoding, now_ms=NOW_MS)

    assert refusal.value.http_status == 400


FIELDS = [
    "resourceMetrics",
    "resource",
    "scopeMetrics",
    "metrics",
    "name",
    "gauge",
    "sum",
    "histogram",
    "dataPoints",
    "asInt",
    "asDouble",
    "timeUnixNano",
    "bucketCounts",
    "explicitBounds",
    "flags",
    "attributes",
    "key",
    "value",
    "arrayValue",
    "values",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@given(document=json_values)
def test_json_of_any_shape_is_read_or_refused_but_never_breaks(document):
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [document]}]}]}).encode()

    try:
        export = read_metrics(body, "json", now_ms=NOW_MS)
    except Unreadable:
        return

    assert not export.samples or export.samples[0].value is not None


@given(body=st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused_but_never_break(body):
    try:
        export = read_metrics(body, "protobuf", now_ms=NOW_MS)
    except Unreadable:
        return

    assert not export.samples


def test_a_gzip_bomb_is_stopped_before_it_unfolds():
    bomb = gzip.compress(b"\0" * (MAX_BODY_BYTES + 1))

    with pytest.raises(Oversized) as refusal:
        decompress(bomb, "gzip")

    assert refusal.value.http_status == 413


def test_the_largest_body_that_is_allowed_passes():
    body = b"\0" * MAX_BODY_BYTES

    assert decompress(gzip.compress(body, 1), "gzip") == body
    assert decompress(body, "identity") is body


@pytest.mark.parametrize(
    "body", [b"plain", gzip.compress(b"x", mtime=0)[:-3], gzip.compress(b"x", mtime=0) + b"more"]
)
def test_what_only_claims_to_be_gzip_is_unreadable(body):
    with pytest.raises(Unreadable):
        decompress(body, "gzip")


def test_other_encodings_are_unsupported():
    with pytest.raises(Unsupported):
        decompress(b"", "br")
    with pytest.raises(Unsupported):
        encoding_of("text/plain")
    with pytest.raises(Oversized):
        decompress(b"x" * (MAX_BODY_BYTES + 1), "")


def test_content_types_may_carry_parameters():
    assert encoding_of("Application/JSON; charset=utf-8") == "json"
    assert encoding_of("application/x-protobuf") == "protobuf"


def test_full_success_leaves_partial_success_unset():
    assert encode_response("metrics", Counter(), "protobuf") == b""
    assert json.loads(encode_response("metrics", Counter(), "json")) == {}


def test_refused_points_are_reported_in_the_encoding_of_the_request():
    refused = Counter({"more than a day old": 2, "the value is not finite": 1})

    protobuf = ExportMetricsServiceResponse.FromString(
        encode_response("metrics", refused, "protobuf")
    )
    document = json.loads(encode_response("metrics", refused, "json"))

    assert protobuf.partial_success.rejected_data_points == 3
    assert document["partialSuccess"] == {
        "rejectedDataPoints": "3",
        "errorMessage": "more than a day old: 2; the value is not finite: 1",
    }


def test_an_error_is_a_google_rpc_status_in_the_encoding_of_the_request():
    protobuf = Status.FromString(encode_status(503, "Try later.", "protobuf"))
    document = json.loads(encode_status(400, "Not readable.", "json"))

    assert (protobuf.code, protobuf.message) == (Code.UNAVAILABLE, "Try later.")
    assert document == {"code": Code.INVALID_ARGUMENT, "message": "Not readable."}
