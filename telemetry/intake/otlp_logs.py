"""The body of an OTLP logs export becomes log records.

https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1 import logs_pb2

from telemetry.intake.otlp_json import read_object
from telemetry.intake.otlp_values import MAX_LABELS, clip, plain, read_attributes, service_of
from telemetry.intake.reports import Report
from telemetry.otlp_http import Encoding, UnreadableExport
from telemetry.records import LogRecord

MAX_BODY = 32_768
DAY_NS = 86_400_000_000_000
_FATAL = 24


def read_logs(body: bytes, encoding: Encoding, *, now_ns: int) -> Report[LogRecord]:
    """Raises UnreadableExport when the whole cannot be read; single bad records are counted."""
    report: Report[LogRecord] = Report()
    for resource in _parse(body, encoding).resource_logs:
        origin = read_attributes(resource.resource.attributes)
        for scope in resource.scope_logs:
            for record in scope.log_records:
                _read(record, service_of(origin), now_ns, report)
    return report


def _parse(body: bytes, encoding: Encoding) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    try:
        if encoding == "protobuf":
            request.ParseFromString(body)
        else:
            json_format.ParseDict(read_object(body), request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError) as error:
        raise UnreadableExport("The body is not an ExportLogsServiceRequest.") from error
    return request


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
        attributes["event.name"] = clip(record.event_name, MAX_BODY)
    report.records.append(
        LogRecord(
            at_ns=at_ns,
            service=service,
            severity=record.severity_number if record.severity_number <= _FATAL else 0,
            body=clip(plain(record.body), MAX_BODY),
            attributes=attributes,
            trace_id=record.trace_id.hex(),
            span_id=record.span_id.hex(),
        )
    )
