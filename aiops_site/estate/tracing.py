"""What a process of the estate does, told as spans of OpenTelemetry over OTLP.

One trace in twenty is told whole. Of the others a process tells its own part when something in it
failed, so that every error is there and the shop sends a few spans a second. A trace is chosen by
its id, by every process alike.
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from aiops_site.estate.metering import resource_of

WHOLE_ONE_IN = 20
_EXPORT_MILLISECONDS = 1000
_EXPORT_TIMEOUT_SECONDS = 2
_MOST_WAITING = 512
_PROPAGATOR = TraceContextTextMapPropagator()


def is_told_whole(trace_id: int) -> bool:
    return trace_id % WHOLE_ONE_IN == 0


def carried() -> dict[str, str]:
    """The headers that tell a peer which span asks it."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers


def end_with(span: Span, status: int) -> None:
    """What a span of HTTP says when it ends."""
    span.set_attribute("http.response.status_code", int(status))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(int(status)))
        span.set_status(StatusCode.ERROR)


class Tracer:
    """One process's spans. With `is_silent` it passes on who asked and tells nothing itself."""

    def __init__(
        self, *, service: str, instance: str, console_url: str, token: str, is_silent: bool = False
    ) -> None:
        self._provider = TracerProvider(resource=resource_of(service, instance))
        if not is_silent:
            exporter = OTLPSpanExporter(
                endpoint=f"{console_url}/v1/traces",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_EXPORT_TIMEOUT_SECONDS,
            )
            batches = BatchSpanProcessor(
                exporter, max_queue_size=_MOST_WAITING, schedule_delay_millis=_EXPORT_MILLISECONDS
            )
            self._provider.add_span_processor(PartsWorthTelling(batches))
        self._tracer = self._provider.get_tracer("aiops_site.estate")

    @contextmanager
    def serving(self, route: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """While a request is answered; `headers` are those that came with it."""
        asked_by = _PROPAGATOR.extract({name.lower(): text for name, text in headers.items()})
        attributes = {"http.request.method": "GET", "http.route": route, "url.path": route}
        with self._tracer.start_as_current_span(
            f"GET {route}", asked_by, SpanKind.SERVER, attributes
        ) as span:
            yield span

    @contextmanager
    def calling(self, peer: str, path: str) -> Iterator[Span]:
        """While a peer is asked; what is raised meanwhile is an event of the span, and an error."""
        attributes = {"http.request.method": "GET", "peer.service": peer, "url.path": path}
        with self._tracer.start_as_current_span(
            f"GET {path}", kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            yield span

    def shutdown(self) -> None:
        self._provider.shutdown()


class PartsWorthTelling(SpanProcessor):
    """Holds a process's part of a trace until its outermost span ends, then passes it on or not.

    A part is made by one thread.
    """

    def __init__(self, onward: SpanProcessor) -> None:
        self._onward = onward
        self._part = threading.local()

    def on_end(self, span: ReadableSpan) -> None:
        part: list[ReadableSpan] = self._part.__dict__.setdefault("spans", [])
        part.append(span)
        if span.parent is not None and not span.parent.is_remote:
            return
        if _is_worth_telling(part):
            for each in part:
                self._onward.on_end(each)
        part.clear()

    def shutdown(self) -> None:
        self._onward.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._onward.force_flush(timeout_millis)


def _is_worth_telling(part: list[ReadableSpan]) -> bool:
    context = part[-1].get_span_context()
    is_whole = context is not None and is_told_whole(context.trace_id)
    return is_whole or any(span.status.status_code is StatusCode.ERROR for span in part)


def current_is_told() -> bool:
    """Whether what is being done now belongs to a trace that is told whole."""
    context = trace.get_current_span().get_span_context()
    return context.is_valid and is_told_whole(context.trace_id)
