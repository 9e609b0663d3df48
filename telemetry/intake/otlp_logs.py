"""The body of an OTLP logs export becomes log records.

https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1 import logs_pb2

from telemetry.intake.otlp_body import Budget, parse
from telemetry.intake.otlp_http import Encoding
from telemetry.intake.otlp_values import (
    MAX_LABELS,
    MAX_VALUE,
    clip,
    plain,
    read_attributes,
    service_of,
    span_id_of,
    trace_id_of,
)
from telemetry.intake.reports import Report
from telemetry.records import LogRecord

MAX_BODY = 32_768
DAY_NS = 86_400_000_000_000
_FATAL = 24


def read_logs(body: bytes, encoding: Encoding, *, now_ns: int) -> Report[LogRecord]:
    """Raises Unreadable when the whole cannot be read; single bad records are counted."""
    report: Report[LogRecord] = Report()
    budget = Budget()
    for resource in budget.spend(parse(ExportLogsServiceRequest, body, encoding).resource_logs):
        origin = read_attributes(resource.resource.attributes)
        for scope in budget.spend(resource.scope_logs):
            for record in budget.spend(scope.log_records):
                _read(record, service_of(origin), now_ns, report)
    return report


def _read(record: logs_pb2.LogRecord, service: str, now_ns: int, report: Report[LogRecord]) -> None:
    at_ns = record.time_unix_nano or record.observed_time_unix_nano or now_ns
    if abs(at_ns - now_ns) > DAY_NS:
        report.refused["more than a day old or ahead"] += 1
        return
    if len(record.attributes) > MAX_LABELS:
        report.refused[f"more than {MAX_LABELS} attributes"] += 1
        return
    attributes = read_attributes(record.attributes)
    if record.event_name:
        attributes["event.name"] = clip(record.event_name, MAX_VALUE)
    report.records.append(
        LogRecord(
            at_ns=at_ns,
            service=service,
            severity=record.severity_number if 0 <= record.severity_number <= _FATAL else 0,
            body=clip(plain(record.body), MAX_BODY),
            attributes=attributes,
            trace_id=trace_id_of(record.trace_id),
            span_id=span_id_of(record.span_id),
        )
    )
