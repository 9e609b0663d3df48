"""The body of an OTLP traces export becomes spans.

https://opentelemetry.io/docs/specs/otel/trace/api/#span
"""

from collections.abc import Mapping

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from telemetry.intake.otlp_json import read_object
from telemetry.intake.otlp_logs import DAY_NS
from telemetry.intake.otlp_values import (
    MAX_LABELS,
    MAX_NAME,
    MAX_VALUE,
    clip,
    read_attributes,
    service_of,
)
from telemetry.intake.reports import Report
from telemetry.otlp_http import Encoding, UnreadableExport
from telemetry.records import Link, Span, SpanEvent, SpanKind

MAX_EVENTS = 64
MAX_LINKS = 64
_KINDS: tuple[SpanKind, ...] = ("", "internal", "server", "client", "producer", "consumer")
_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8


def read_traces(body: bytes, encoding: Encoding, *, now_ns: int) -> Report[Span]:
    """Raises UnreadableExport when the whole cannot be read; single bad spans are counted."""
    report: Report[Span] = Report()
    for resource in _parse(body, encoding).resource_spans:
        origin = read_attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                complaint = _complaint(span, now_ns)
                if complaint:
                    report.refused[complaint] += 1
                else:
                    report.records.append(_read(span, origin))
    return report


def _parse(body: bytes, encoding: Encoding) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    try:
        if encoding == "protobuf":
            request.ParseFromString(body)
        else:
            json_format.ParseDict(read_object(body), request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError) as error:
        raise UnreadableExport("The body is not an ExportTraceServiceRequest.") from error
    return request


def _complaint(span: trace_pb2.Span, now_ns: int) -> str:
    if len(span.trace_id) != _TRACE_ID_BYTES or not any(span.trace_id):
        return "a trace id that is not 16 bytes"
    if len(span.span_id) != _SPAN_ID_BYTES or not any(span.span_id):
        return "a span id that is not 8 bytes"
    if span.end_time_unix_nano < span.start_time_unix_nano:
        return "it ends before it starts"
    if abs(span.start_time_unix_nano - now_ns) > DAY_NS:
        return "more than a day old or ahead"
    if len(span.attributes) > MAX_LABELS:
        return f"more than {MAX_LABELS} attributes"
    return ""


def _read(span: trace_pb2.Span, origin: Mapping[str, str]) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=service_of(origin),
        name=clip(span.name, MAX_NAME),
        kind=_KINDS[span.kind] if span.kind < len(_KINDS) else "",
        start_ns=span.start_time_unix_nano,
        duration_ns=span.end_time_unix_nano - span.start_time_unix_nano,
        is_error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        status_message=clip(span.status.message, MAX_VALUE),
        attributes=read_attributes(span.attributes),
        resource=origin,
        links=tuple(
            Link(link.trace_id.hex(), link.span_id.hex()) for link in span.links[:MAX_LINKS]
        ),
        events=tuple(
            SpanEvent(
                event.time_unix_nano, clip(event.name, MAX_NAME), read_attributes(event.attributes)
            )
            for event in span.events[:MAX_EVENTS]
        ),
    )
