from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from telemetry.calls import CallEdge
from telemetry.records import Link, Span, SpanEvent, SpanKind
from telemetry.reported_calls import from_jaeger
from telemetry.sources.base import Ability, RemoteSource, SourceFailed, Stretch
from telemetry.sources.reading import TRACE_ID, read, text_of
from telemetry.store.spans import TraceQuery, TraceSummary, summary_of

MOST_TRACES = 100
_KINDS: Mapping[str, SpanKind] = {
    "internal": "internal",
    "server": "server",
    "client": "client",
    "producer": "producer",
    "consumer": "consumer",
}


class _Tag(BaseModel):
    key: str
    value: Any = None


class _Reference(BaseModel):
    refType: str = ""  # noqa: N815
    traceID: str  # noqa: N815
    spanID: str  # noqa: N815


class _Log(BaseModel):
    timestamp: int  # microseconds
    fields: list[_Tag] = []


class _Process(BaseModel):
    serviceName: str  # noqa: N815
    tags: list[_Tag] = []


class _Span(BaseModel):
    traceID: str  # noqa: N815
    spanID: str  # noqa: N815
    operationName: str  # noqa: N815
    references: list[_Reference] | None = None
    startTime: int  # noqa: N815 - microseconds, as the duration
    duration: int = Field(ge=0)
    tags: list[_Tag] | None = None
    logs: list[_Log] | None = None
    processID: str  # noqa: N815


class _Trace(BaseModel):
    traceID: str  # noqa: N815
    spans: list[_Span]
    processes: dict[str, _Process]


class _Traces(BaseModel):
    data: list[_Trace] | None


class _Names(BaseModel):
    data: list[str] | None


class _Error(BaseModel):
    msg: str


class _Refusal(BaseModel):
    errors: list[_Error] = Field(min_length=1)


_TRACES, _NAMES, _ANYTHING = TypeAdapter(_Traces), TypeAdapter(_Names), TypeAdapter(Any)


@dataclass(frozen=True)
class Jaeger(RemoteSource):
    """Of version 1 and 2, by the JSON that its own page reads.

    https://www.jaegertracing.io/docs/1.76/architecture/apis/#query-json-over-http
    """

    slug: ClassVar[str] = "jaeger"
    title: ClassVar[str] = "Jaeger"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"traces", "services", "edges"})
    example: ClassVar[str] = "http://jaeger.example:16686"

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        return _Refusal.model_validate_json(refusal).errors[0].msg

    async def check(self) -> str:
        services = await self._services()
        return f"Jaeger, with {len(services)} service{'' if len(services) == 1 else 's'}"

    async def traces(self, query: TraceQuery, limit: int) -> list[TraceSummary]:
        """Jaeger searches one service at a time."""
        if not query.service:
            words = "Jaeger searches the traces of one service: choose one."
            raise SourceFailed(words, is_about_question=True)
        answer = await self.asker.get("/api/traces", _search(query, min(limit, MOST_TRACES)))
        traces = [_spans(trace) for trace in read(_TRACES, answer).data or ()]
        found = [summary_of(spans) for spans in traces if spans]
        return sorted(found, key=lambda each: -each.start_ns)[:limit]

    async def trace(self, trace_id: str) -> list[Span]:
        if not TRACE_ID.fullmatch(trace_id):
            return []
        try:
            answer = await self.asker.get(f"/api/traces/{trace_id}")
        except SourceFailed as failed:
            if failed.status == 404:
                return []
            raise
        spans = [span for trace in read(_TRACES, answer).data or () for span in _spans(trace)]
        return sorted(spans, key=lambda span: span.start_ns)

    async def services(self, stretch: Stretch) -> list[str]:
        """All it knows, whatever the time."""
        return sorted(await self._services())

    async def edges(self, stretch: Stretch) -> list[CallEdge]:
        lookback = stretch.end_ms - stretch.start_ms
        params = {"endTs": str(stretch.end_ms), "lookback": str(lookback)}
        answer = await self.asker.get("/api/dependencies", params)
        try:
            return from_jaeger(read(_ANYTHING, answer))
        except ValidationError as error:
            words = "Its list of dependencies is not of the documented shape."
            raise SourceFailed(words) from error

    async def _services(self) -> list[str]:
        return read(_NAMES, await self.asker.get("/api/services")).data or []


def _search(query: TraceQuery, limit: int) -> dict[str, str]:
    tags = {**query.attributes, **({"error": "true"} if query.only_errors else {})}
    wanted = {
        "service": query.service,
        "operation": query.operation,
        "start": str(query.start_ns // 1000),
        "end": str(query.end_ns // 1000),
        "limit": str(limit),
        "minDuration": f"{query.least_ns // 1000}us" if query.least_ns else "",
        "maxDuration": "" if query.most_ns is None else f"{query.most_ns // 1000}us",
        "tags": orjson.dumps(tags).decode() if tags else "",
    }
    return {name: value for name, value in wanted.items() if value}


def _spans(trace: _Trace) -> list[Span]:
    return [_span(span, trace.processes.get(span.processID)) for span in trace.spans]


def _span(span: _Span, process: _Process | None) -> Span:
    attributes = _attributes(span.tags)
    parent, links = _parent_and_links(span)
    return Span(
        trace_id=span.traceID.lower(),
        span_id=span.spanID.lower(),
        parent_id=parent,
        service=process.serviceName if process else "",
        name=span.operationName,
        kind=_KINDS.get(attributes.get("span.kind", ""), ""),
        start_ns=span.startTime * 1000,
        duration_ns=span.duration * 1000,
        is_error=_is_error(attributes),
        status_message=attributes.get("otel.status_description", ""),
        attributes=attributes,
        resource=_attributes(process.tags if process else None),
        links=links,
        events=tuple(_event(log) for log in span.logs or ()),
    )


def _parent_and_links(span: _Span) -> tuple[str, tuple[Link, ...]]:
    """The first child-of within the trace is the parent, whatever else it refers to is a link."""
    references = span.references or []
    parents = [each for each in references if each.refType == "CHILD_OF"]
    near = [each for each in (parents or references) if each.traceID == span.traceID]
    parent = near[0] if near else None
    others = [each for each in references if each is not parent]
    links = tuple(Link(each.traceID.lower(), each.spanID.lower()) for each in others)
    return parent.spanID.lower() if parent else "", links


def _event(log: _Log) -> SpanEvent:
    fields = _attributes(log.fields)
    return SpanEvent(log.timestamp * 1000, fields.pop("event", ""), fields)


def _attributes(tags: list[_Tag] | None) -> dict[str, str]:
    return {tag.key: text_of(tag.value) for tag in tags or ()}


def _is_error(attributes: Mapping[str, str]) -> bool:
    return attributes.get("error") == "true" or attributes.get("otel.status_code") == "ERROR"
