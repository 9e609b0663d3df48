from dataclasses import dataclass
from typing import ClassVar

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import BaseModel, TypeAdapter

from telemetry.intake.otlp_body import parse
from telemetry.intake.otlp_traces import read_traces
from telemetry.intake.refusals import Unreadable
from telemetry.records import Span
from telemetry.sources.base import (
    PASSWORD,
    TENANT,
    USERNAME,
    Ability,
    RemoteSource,
    Setting,
    SourceFailed,
    Stretch,
)
from telemetry.sources.reading import TRACE_ID, read, reason_after
from telemetry.sources.searching import field_of
from telemetry.store.spans import TraceQuery, TraceSummary

MOST_TRACES = 200
_TAG = "service.name"


class _Stats(BaseModel):
    spanCount: int = 0  # noqa: N815
    errorCount: int = 0  # noqa: N815


class _Trace(BaseModel):
    traceID: str  # noqa: N815
    rootServiceName: str = ""  # noqa: N815
    rootTraceName: str = ""  # noqa: N815
    startTimeUnixNano: int  # noqa: N815
    durationMs: int = 0  # noqa: N815 - left out below a millisecond
    serviceStats: dict[str, _Stats] = {}  # noqa: N815


class _Found(BaseModel):
    traces: list[_Trace] = []


class _Values(BaseModel):
    tagValues: list[str] = []  # noqa: N815


_FOUND, _VALUES = TypeAdapter(_Found), TypeAdapter(_Values)


@dataclass(frozen=True)
class Tempo(RemoteSource):
    """Its service graphs are metrics: ask the Prometheus that it writes them to.

    https://grafana.com/docs/tempo/latest/api_docs/
    """

    slug: ClassVar[str] = "tempo"
    title: ClassVar[str] = "Tempo"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"traces", "services"})
    example: ClassVar[str] = "http://tempo.example:3200"
    settings: ClassVar[tuple[Setting, ...]] = (USERNAME, PASSWORD, TENANT)

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        return reason_after(b"invalid TraceQL query", refusal)

    async def check(self) -> str:
        values = await self._services({})
        return f"Tempo, with {len(values)} service{'' if len(values) == 1 else 's'}"

    async def traces(self, query: TraceQuery, limit: int) -> list[TraceSummary]:
        params = {
            "q": _traceql(query),
            "start": str(query.start_ns // 10**9),
            "end": str(query.end_ns // 10**9 + 1),
            "limit": str(min(limit, MOST_TRACES)),
        }
        found = read(_FOUND, await self.asker.get("/api/search", params)).traces
        return sorted(map(_summary, found), key=lambda each: -each.start_ns)

    async def trace(self, trace_id: str) -> list[Span]:
        """As OpenTelemetry's protobuf, which leaves no question of how ids are written."""
        if not TRACE_ID.fullmatch(trace_id):
            return []
        headers = {"accept": "application/protobuf"}
        try:
            answer = await self.asker.get(f"/api/traces/{trace_id}", headers=headers)
        except SourceFailed as failed:
            if failed.status == 404:
                return []
            raise
        return sorted(_spans(answer.content), key=lambda span: span.start_ns)

    async def services(self, stretch: Stretch) -> list[str]:
        bounds = {"start": str(stretch.start_ms // 1000), "end": str(stretch.end_ms // 1000 + 1)}
        return sorted(await self._services(bounds))

    async def _services(self, params: dict[str, str]) -> list[str]:
        answer = await self.asker.get(f"/api/search/tag/{_TAG}/values", params)
        return read(_VALUES, answer).tagValues


def _traceql(query: TraceQuery) -> str:
    wanted = []
    if query.service:
        wanted.append(f"resource.service.name = {_quoted(query.service)}")
    if query.operation:
        wanted.append(f"name = {_quoted(query.operation)}")
    if query.least_ns:
        wanted.append(f"duration >= {query.least_ns}ns")
    if query.most_ns is not None:
        wanted.append(f"duration <= {query.most_ns}ns")
    if query.only_errors:
        wanted.append("status = error")
    wanted += [
        f"span.{field_of(name)} = {_quoted(value)}" for name, value in query.attributes.items()
    ]
    return f"{{ {' && '.join(wanted)} }}" if wanted else "{}"


def _quoted(text: str) -> str:
    """TraceQL's strings are Go's, in which every JSON string means the same."""
    return orjson.dumps(text).decode()


def _summary(trace: _Trace) -> TraceSummary:
    """Tempo leaves the zeros at the front of an id out."""
    stats = trace.serviceStats
    return TraceSummary(
        trace_id=trace.traceID.lower().zfill(32),
        root_service=trace.rootServiceName,
        root_name=trace.rootTraceName,
        start_ns=trace.startTimeUnixNano,
        duration_ns=trace.durationMs * 10**6,
        span_count=sum(each.spanCount for each in stats.values()),
        error_count=sum(each.errorCount for each in stats.values()),
        services=tuple(stats) or (trace.rootServiceName,),
    )


def _spans(body: bytes) -> list[Span]:
    try:
        request = parse(ExportTraceServiceRequest, body, "protobuf")
        began = (
            span.start_time_unix_nano
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        )
        return read_traces(body, "protobuf", now_ns=next(began, 0)).records
    except Unreadable as error:
        words = "Its trace is not the protobuf that it documents. Is it the right kind?"
        raise SourceFailed(words) from error
