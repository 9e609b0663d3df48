import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import orjson
from pydantic import BaseModel, TypeAdapter

from telemetry.records import LogRecord
from telemetry.sources.base import (
    PASSWORD,
    TENANT,
    USERNAME,
    Ability,
    RemoteSource,
    Setting,
    Stretch,
)
from telemetry.sources.reading import read, reason_after
from telemetry.sources.searching import Phrase, field_of, phrases_of, severity_of, words_from
from telemetry.store.logs import LogQuery

MOST_LINES = 1_000
_LEVELS = ("detected_level", "level", "severity", "severity_text")
_TRACES = ("trace_id", "traceID", "traceid")
_SPANS = ("span_id", "spanID", "spanid")
_NO_NAME = re.compile(r"[^A-Za-z0-9_]")
_APART = r"[^\pL\pN]"


class _Stream(BaseModel):
    stream: dict[str, str]
    values: list[tuple[int, str] | tuple[int, str, dict[str, Any]]]


class _Streams(BaseModel):
    resultType: Literal["streams"]  # noqa: N815
    result: list[_Stream]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Streams


class _Values(BaseModel):
    status: Literal["success"]
    data: list[str] = []


class _Build(BaseModel):
    version: str = ""


_ANSWER, _VALUES, _BUILD = TypeAdapter(_Answer), TypeAdapter(_Values), TypeAdapter(_Build)


@dataclass(frozen=True)
class Loki(RemoteSource):
    """https://grafana.com/docs/loki/latest/reference/loki-http-api/"""

    slug: ClassVar[str] = "loki"
    title: ClassVar[str] = "Loki"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"logs", "services"})
    example: ClassVar[str] = "http://loki.example:3100"
    settings: ClassVar[tuple[Setting, ...]] = (
        USERNAME,
        PASSWORD,
        TENANT,
        Setting("service_label", "Label of the service", "Such as app. Left empty: service_name."),
    )

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        return reason_after(b"parse error", refusal)

    async def check(self) -> str:
        """A question first: the version is told to anybody, whatever the tenant."""
        read(_VALUES, await self.asker.get("/loki/api/v1/labels"))
        build = read(_BUILD, await self.asker.get("/loki/api/v1/status/buildinfo"))
        return f"Loki {build.version}".strip()

    async def logs(self, query: LogQuery, limit: int) -> list[LogRecord]:
        """A trace is named in the line or beside it, which takes two questions."""
        asked = [self._found(query, limit, traced) for traced in _traced(query.trace_id)]
        records = [record for found in await asyncio.gather(*asked) for record in found]
        unique = {(record.at_ns, record.service, record.body): record for record in records}
        return sorted(unique.values(), key=lambda record: -record.at_ns)[:limit]

    async def services(self, stretch: Stretch) -> list[str]:
        params = {"start": str(stretch.start_ms * 10**6), "end": str(stretch.end_ms * 10**6)}
        path = f"/loki/api/v1/label/{self._service_label}/values"
        return sorted(read(_VALUES, await self.asker.get(path, params)).data)

    async def _found(self, query: LogQuery, limit: int, traced: str) -> list[LogRecord]:
        """The end is not included there, here it is."""
        end_ns = query.before[0] if query.before else query.end_ns + 1
        params = {
            "query": f"{self._logql(query)} {traced}".rstrip(),
            "start": str(query.start_ns),
            "end": str(end_ns),
            "limit": str(min(limit, MOST_LINES)),
            "direction": "backward",
        }
        answer = read(_ANSWER, await self.asker.get("/loki/api/v1/query_range", params))
        return [
            self._record(stream.stream, value)
            for stream in answer.data.result
            for value in stream.values
        ]

    @property
    def _service_label(self) -> str:
        return _NO_NAME.sub("_", self.options.get("service_label", "")) or "service_name"

    def _logql(self, query: LogQuery) -> str:
        wanted = f"={_quoted(query.service)}" if query.service else '=~".+"'
        parts = [f"{{{self._service_label}{wanted}}}"]
        parts += [f"|~ {_quoted(_pattern(phrase))}" for phrase in phrases_of(query.text)]
        parts += [
            f"| {_NO_NAME.sub('_', field_of(name))}={_quoted(value)}"
            for name, value in query.attributes.items()
        ]
        if query.least_severity:
            levels = _quoted(f"(?i){'|'.join(words_from(query.least_severity))}")
            parts.append("| " + " or ".join(f"{name}=~{levels}" for name in _LEVELS))
        return " ".join(parts)

    def _record(
        self,
        labels: Mapping[str, str],
        value: tuple[int, str] | tuple[int, str, dict[str, Any]],
    ) -> LogRecord:
        told = value[2] if len(value) == 3 else {}
        extra = {name: text for name, text in told.items() if isinstance(text, str)}
        known = {**labels, **extra}
        return LogRecord(
            at_ns=value[0],
            service=labels.get(self._service_label, ""),
            severity=severity_of(_first(known, _LEVELS)),
            body=value[1],
            attributes=known,
            trace_id=_first(known, _TRACES),
            span_id=_first(known, _SPANS),
        )


def _traced(trace_id: str) -> list[str]:
    """What to add to a question, and to ask it again with."""
    if not trace_id:
        return [""]
    beside = " or ".join(f"{name}={_quoted(trace_id)}" for name in _TRACES)
    return [f"|= {_quoted(trace_id)}", f"| {beside}"]


def _pattern(phrase: Phrase) -> str:
    """Whole words, whatever stands between and around them, in any case."""
    end = "" if phrase.is_open else f"(?:{_APART}|$)"
    return f"(?i)(?:^|{_APART}){f'{_APART}+'.join(phrase.words)}{end}"


def _quoted(text: str) -> str:
    """LogQL's double quotes are Go's, in which every JSON string means the same."""
    return orjson.dumps(text).decode()


def _first(known: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((known[name] for name in names if known.get(name)), "")
