"""What logs and traces are made of, whichever way they come in or are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SpanKind = Literal["internal", "server", "client", "producer", "consumer", ""]


_SEVERITY_WORDS = ("trace", "debug", "info", "warning", "error", "fatal")


def severity_word(number: int) -> str:
    """OpenTelemetry's number as a word.

    https://opentelemetry.io/docs/specs/otel/logs/data-model/
    """
    return _SEVERITY_WORDS[(number - 1) // 4] if 1 <= number <= 24 else "unknown"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """`severity` is OpenTelemetry's number: 1 trace, 5 debug, 9 info, 13 warning, 17 error,
    21 fatal, 0 unknown. Ids are lower-case hex, empty when there are none."""

    at_ns: int
    service: str
    severity: int
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A span that this one follows from, such as the message it consumes."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class SpanEvent:
    at_ns: int
    name: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """One operation of a trace. `attributes` are the span's own, `resource` its process's."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: SpanKind
    start_ns: int
    duration_ns: int
    is_error: bool
    status_message: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    resource: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    events: tuple[SpanEvent, ...] = ()
