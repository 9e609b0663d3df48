"""The body of an OTLP traces export becomes spans.

https://opentelemetry.io/docs/specs/otel/trace/api/#span
"""

from collections.abc import Mapping

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from telemetry.intake.otlp_body import Budget, parse
from telemetry.intake.otlp_http import Encoding
from telemetry.intake.otlp_logs import DAY_NS
from telemetry.intake.otlp_values import (
    MAX_LABELS,
    MAX_NAME,
    MAX_VALUE,
    clip,
    read_attributes,
    service_of,
    span_id_of,
    trace_id_of,
)
from telemetry.intake.reports import Report
from telemetry.records import Link, Span, SpanEvent, SpanKind

LONGEST_NS = 7 * DAY_NS
MAX_EVENTS = 64
MAX_LINKS = 64
_KINDS: tuple[SpanKind, ...] = ("", "internal", "server", "client", "producer", "consumer")


def read_traces(body: bytes, encoding: Encoding, *, now_ns: int) -> Report[Span]:
    """Raises Unreadable when the whole cannot be read; single bad spans are counted."""
    report: Report[Span] = Report()
    budget = Budget()
    for resource in budget.spend(parse(ExportTraceServiceRequest, body, encoding).resource_spans):
        origin = read_attributes(resource.resource.attributes)
        for scope in budget.spend(resource.scope_spans):
            for span in budget.spend(scope.spans):
                complaint = _complaint(span, now_ns)
                if complaint:
                    report.refused[complaint] += 1
                else:
                    report.records.append(_read(span, origin))
    return report


def _complaint(span: trace_pb2.Span, now_ns: int) -> str:
    if not trace_id_of(span.trace_id):
        return "a trace id that is not 16 bytes"
    if not span_id_of(span.span_id):
        return "a span id that is not 8 bytes"
    if span.end_time_unix_nano < span.start_time_unix_nano:
        return "it ends before it starts"
    if span.end_time_unix_nano - span.start_time_unix_nano > LONGEST_NS:
        return "more than a week long"
    if abs(span.start_time_unix_nano - now_ns) > DAY_NS:
        return "more than a day old or ahead"
    if len(span.attributes) > MAX_LABELS:
        return f"more than {MAX_LABELS} attributes"
    return ""


def _read(span: trace_pb2.Span, origin: Mapping[str, str]) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span_id_of(span.parent_span_id),
        service=service_of(origin),
        name=clip(span.name, MAX_NAME),
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "",
        start_ns=span.start_time_unix_nano,
        duration_ns=span.end_time_unix_nano - span.start_time_unix_nano,
        is_error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        status_message=clip(span.status.message, MAX_VALUE),
        attributes=read_attributes(span.attributes),
        resource=origin,
        links=tuple(
            Link(trace_id_of(link.trace_id), span_id_of(link.span_id))
            for link in span.links[:MAX_LINKS]
        ),
        events=tuple(
            SpanEvent(
                event.time_unix_nano, clip(event.name, MAX_NAME), read_attributes(event.attributes)
            )
            for event in span.events[:MAX_EVENTS]
        ),
    )
