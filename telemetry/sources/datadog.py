from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import httpx
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from telemetry.records import LogRecord, Span, SpanKind
from telemetry.sources.base import (
    Ability,
    HeaderAuth,
    Language,
    RemoteSource,
    Setting,
    SourceFailed,
    Stretch,
)
from telemetry.sources.reading import TRACE_ID, framed, read, text_of
from telemetry.sources.searching import field_of, phrases_of, severity_of
from telemetry.store.frames import Frame
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery, TraceSummary, summary_of

MOST_EVENTS = 1_000
SPANS_A_TRACE = 10  # of a search, which finds spans and not traces
_STATUSES = {1: "debug", 9: "info", 10: "notice", 13: "warn", 17: "error", 18: "critical"}
_KINDS: Mapping[str, SpanKind] = {
    "internal": "internal",
    "server": "server",
    "client": "client",
    "producer": "producer",
    "consumer": "consumer",
}


class _Series(BaseModel):
    metric: str
    scope: str = ""
    tag_set: list[str] = []
    pointlist: list[tuple[float, float | None]]  # milliseconds


class _Metrics(BaseModel):
    series: list[_Series]
    error: str = ""


class _Log(BaseModel):
    timestamp: AwareDatetime
    status: str = ""
    service: str = ""
    host: str = ""
    message: str = ""
    tags: list[str] = []
    attributes: dict[str, Any] = {}


class _LogEvent(BaseModel):
    attributes: _Log


class _Logs(BaseModel):
    data: list[_LogEvent] = []


class _Span(BaseModel):
    trace_id: str
    span_id: str
    parent_id: str = ""
    service: str = ""
    resource_name: str = ""
    start_timestamp: AwareDatetime
    end_timestamp: AwareDatetime
    host: str = ""
    env: str = ""
    tags: list[str] = []
    custom: dict[str, Any] = {}
    attributes: dict[str, Any] = {}


class _SpanEvent(BaseModel):
    attributes: _Span


class _Spans(BaseModel):
    data: list[_SpanEvent] = []


class _Valid(BaseModel):
    valid: bool


class _Refusal(BaseModel):
    errors: list[str] = Field(min_length=1)


_METRICS, _LOGS = TypeAdapter(_Metrics), TypeAdapter(_Logs)
_SPANS, _VALID = TypeAdapter(_Spans), TypeAdapter(_Valid)


@dataclass(frozen=True)
class Datadog(RemoteSource):
    """https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points, .../logs/#search-logs
    and .../spans/#search-spans, the last of which may be asked 300 times an hour.
    """

    slug: ClassVar[str] = "datadog"
    title: ClassVar[str] = "Datadog"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"metrics", "logs", "traces"})
    language: ClassVar[Language] = "datadog"
    example: ClassVar[str] = "https://api.datadoghq.com"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("api_key", "API key", is_secret=True, is_required=True),
        Setting("application_key", "Application key", is_secret=True, is_required=True),
    )

    @classmethod
    def auth(
        cls,
        options: Mapping[str, str],  # noqa: ARG003 - others have some
        secrets: Mapping[str, str],
    ) -> httpx.Auth:
        names = {"dd-api-key": "api_key", "dd-application-key": "application_key"}
        return HeaderAuth({header: secrets.get(name, "") for header, name in names.items()})

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        return _Refusal.model_validate_json(refusal).errors[0]

    async def check(self) -> str:
        if not read(_VALID, await self.asker.get("/api/v1/validate")).valid:
            raise SourceFailed("It does not accept the API key.")
        await self._logs({"filter": {"query": "*"}, "page": {"limit": 1}})
        return "Datadog; both keys are accepted"

    async def metrics(self, query: str, stretch: Stretch, step_ms: int) -> list[Frame]:
        """Datadog chooses the step by itself, unless the query has a `.rollup()`."""
        bounds = {"from": str(stretch.start_ms // 1000), "to": str(stretch.end_ms // 1000)}
        answer = read(_METRICS, await self.asker.get("/api/v1/query", {**bounds, "query": query}))
        if answer.error:
            raise SourceFailed(f"It says: {answer.error[:300]}", is_about_question=True)
        return framed((_labels(series), _points(series)) for series in answer.series)

    async def logs(self, query: LogQuery, limit: int) -> list[LogRecord]:
        end_ns = query.before[0] if query.before else query.end_ns
        question = {
            "filter": {
                "query": _log_search(query),
                "from": str(query.start_ns // 10**6),
                "to": str(end_ns // 10**6),
            },
            "sort": "-timestamp",
            "page": {"limit": min(limit, MOST_EVENTS)},
        }
        return [_record(event.attributes) for event in (await self._logs(question)).data]

    async def traces(self, query: TraceQuery, limit: int) -> list[TraceSummary]:
        """Of each trace only the spans that were found are counted."""
        stretch = Stretch(query.start_ns // 10**6, query.end_ns // 10**6)
        found: defaultdict[str, list[Span]] = defaultdict(list)
        for span in await self._spans(_span_search(query), stretch, limit * SPANS_A_TRACE):
            found[span.trace_id].append(span)
        summaries = [summary_of(spans) for spans in found.values()]
        return sorted(summaries, key=lambda each: -each.start_ns)[:limit]

    async def trace(self, trace_id: str) -> list[Span]:
        """Of the last fifteen days, which is how long Datadog keeps what it indexes."""
        if not TRACE_ID.fullmatch(trace_id):
            return []
        ever = {"from": "now-15d", "to": "now"}
        spans = await self._search(f"trace_id:{trace_id}", ever, MOST_EVENTS)
        return sorted(spans, key=lambda span: span.start_ns)

    async def _logs(self, question: Mapping[str, Any]) -> _Logs:
        return read(_LOGS, await self.asker.post("/api/v2/logs/events/search", json=question))

    async def _spans(self, query: str, stretch: Stretch, limit: int) -> list[Span]:
        bounds = {"from": str(stretch.start_ms), "to": str(stretch.end_ms)}
        return await self._search(query, bounds, limit)

    async def _search(self, query: str, bounds: Mapping[str, str], limit: int) -> list[Span]:
        asked = {
            "filter": {"query": query, **bounds},
            "sort": "-timestamp",
            "page": {"limit": min(limit, MOST_EVENTS)},
        }
        question = {"data": {"type": "search_request", "attributes": asked}}
        answer = await self.asker.post("/api/v2/spans/events/search", json=question)
        return [_span(event.attributes) for event in read(_SPANS, answer).data]


def _labels(series: _Series) -> dict[str, str]:
    tags = series.tag_set or [tag for tag in series.scope.split(",") if tag != "*"]
    return {"__name__": series.metric, **_named(tags)}


def _points(series: _Series) -> list[tuple[float, float]]:
    return [(at / 1000, value) for at, value in series.pointlist if value is not None]


def _named(tags: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (tag.partition(":") for tag in tags) if name}


def _log_search(query: LogQuery) -> str:
    """https://docs.datadoghq.com/logs/explorer/search_syntax/"""
    wanted = [
        f"{' '.join(phrase.words)}*" if phrase.is_open else f'"{" ".join(phrase.words)}"'
        for phrase in phrases_of(query.text)
    ]
    if query.service:
        wanted.append(f"service:{_quoted(query.service)}")
    if query.trace_id:
        wanted.append(f"trace_id:{_quoted(query.trace_id)}")
    if query.least_severity:
        statuses = [word for least, word in _STATUSES.items() if least >= query.least_severity]
        statuses += ["alert", "emergency"]
        wanted.append(f"status:({' OR '.join(statuses)})")
    wanted += [f"@{field_of(name)}:{_quoted(value)}" for name, value in query.attributes.items()]
    return " ".join(wanted) or "*"


def _span_search(query: TraceQuery) -> str:
    """https://docs.datadoghq.com/tracing/trace_explorer/query_syntax/"""
    wanted = [f"service:{_quoted(query.service)}"] if query.service else []
    if query.operation:
        wanted.append(f"resource_name:{_quoted(query.operation)}")
    if query.least_ns:
        wanted.append(f"@duration:>={query.least_ns}")
    if query.most_ns is not None:
        wanted.append(f"@duration:<={query.most_ns}")
    if query.only_errors:
        wanted.append("status:error")
    wanted += [f"@{field_of(name)}:{_quoted(value)}" for name, value in query.attributes.items()]
    return " ".join(wanted) or "*"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _record(log: _Log) -> LogRecord:
    told = {"host": log.host, **_named(log.tags), **_texts(log.attributes)}
    return LogRecord(
        at_ns=_ns(log.timestamp),
        service=log.service,
        severity=severity_of(log.status),
        body=log.message,
        attributes={name: text for name, text in told.items() if text},
        trace_id=told.get("trace_id", ""),
        span_id=told.get("span_id", ""),
    )


def _span(span: _Span) -> Span:
    told = {**_texts(span.attributes), **_texts(span.custom)}
    start_ns = _ns(span.start_timestamp)
    return Span(
        trace_id=span.trace_id.lower(),
        span_id=span.span_id,
        parent_id="" if span.parent_id == "0" else span.parent_id,
        service=span.service,
        name=span.resource_name,
        kind=_KINDS.get(told.get("span.kind", ""), ""),
        start_ns=start_ns,
        duration_ns=max(0, _ns(span.end_timestamp) - start_ns),
        is_error=told.get("status") == "error" or "error.type" in told or "error" in told,
        status_message=told.get("error.message", ""),
        attributes=told,
        resource={"host": span.host, "env": span.env, **_named(span.tags)},
    )


def _texts(document: Mapping[str, Any]) -> dict[str, str]:
    return {name: text_of(value) for name, value in document.items()}


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000
