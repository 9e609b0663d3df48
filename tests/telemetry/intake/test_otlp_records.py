"""Logs and traces of OTLP exports, in both encodings, become records with hexadecimal ids."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.intake.otlp_json import read_object
from telemetry.intake.otlp_logs import read_logs
from telemetry.intake.otlp_traces import read_traces
from telemetry.intake.refusals import Unreadable
from telemetry.records import LogRecord, Span

PAYLOADS = Path(__file__).parents[2] / "payloads" / "otlp"
AT_NS = 1_544_712_660_300_000_000


def recorded(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


def as_protobuf(body, kind):
    return json_format.ParseDict(read_object(body), kind()).SerializeToString()


def changed(name, path, value):
    """The recorded export with one thing in it set to another value."""
    document = json.loads(recorded(name))
    *way, last = path
    part = document
    for step in way:
        part = part[step]
    part[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_a_log_record_is_read_whole_in_either_encoding(encoding):
    body = recorded("logs")
    if encoding == "protobuf":
        body = as_protobuf(body, ExportLogsServiceRequest)

    [record] = read_logs(body, encoding, now_ns=AT_NS).records

    assert record == LogRecord(
        at_ns=AT_NS,
        service="my.service",
        severity=10,
        body="Example log record",
        attributes=record.attributes,
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
    )
    assert record.attributes["string.attribute"] == "some string"
    assert record.attributes["int.attribute"] == "10"
    assert json.loads(record.attributes["array.attribute"]) == {
        "arrayValue": {"values": [{"stringValue": "many"}, {"stringValue": "values"}]}
    }


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_a_span_is_read_whole_in_either_encoding(encoding):
    body = recorded("trace")
    if encoding == "protobuf":
        body = as_protobuf(body, ExportTraceServiceRequest)

    [span] = read_traces(body, encoding, now_ns=AT_NS).records

    assert span == Span(
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        parent_id="eee19b7ec3c1b173",
        service="my.service",
        name="I'm a server span",
        kind="server",
        start_ns=1_544_712_660_000_000_000,
        duration_ns=1_000_000_000,
        is_error=False,
        attributes={"my.span.attr": "some value"},
        resource={"service.name": "my.service"},
    )


def test_an_event_keeps_its_name_as_an_attribute():
    [record] = read_logs(recorded("events"), "json", now_ns=AT_NS).records

    assert record.attributes["event.name"] == "browser.page_view"
    assert "url" in record.body


def test_what_is_far_from_now_is_counted_and_not_kept():
    report = read_logs(recorded("logs"), "json", now_ns=AT_NS + 2 * 86_400 * 10**9)

    assert not report.records
    assert report.refused == {"more than a day old or ahead": 1}


SPAN = ("resourceSpans", 0, "scopeSpans", 0, "spans", 0)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("traceId", "00" * 16, "a trace id that is not 16 bytes"),
        ("traceId", "ab", "a trace id that is not 16 bytes"),
        ("spanId", "", "a span id that is not 8 bytes"),
        ("endTimeUnixNano", "1", "it ends before it starts"),
    ],
)
def test_a_span_that_cannot_be_placed_is_counted_with_its_reason(field, value, reason):
    body = changed("trace", (*SPAN, field), value)

    report = read_traces(body, "json", now_ns=AT_NS)

    assert not report.records
    assert report.refused == {reason: 1}


LOG = ("resourceLogs", 0, "scopeLogs", 0, "logRecords", 0)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"resourceLogs": 3}', changed("logs", (*LOG, "traceId"), "no hex")],
)
def test_what_is_no_logs_export_is_refused(body):
    with pytest.raises(Unreadable):
        read_logs(body, "json", now_ns=AT_NS)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"resourceSpans": 3}', changed("trace", (*SPAN, "traceId"), "no hex")],
)
def test_what_is_no_traces_export_is_refused(body):
    with pytest.raises(Unreadable):
        read_traces(body, "json", now_ns=AT_NS)
