from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, TypeAdapter

from telemetry.records import LogRecord
from telemetry.sources.base import (
    PASSWORD,
    USERNAME,
    Ability,
    HeaderAuth,
    RemoteSource,
    Setting,
    Stretch,
)
from telemetry.sources.reading import read, text_of
from telemetry.sources.searching import Phrase, phrases_of, severity_of, words_from
from telemetry.store.logs import LogQuery

MOST_HITS = 1_000
MOST_SERVICES = 1_000
MOST_NESTED = 20
NANOSECONDS_FROM = 10**16  # larger than any milliseconds, smaller than any nanoseconds since 1971
_USUAL: Mapping[str, str] = {
    "index": "logs-*",
    "time_field": "@timestamp",
    "message_field": "message",
    "service_field": "service.name",
    "level_field": "log.level",
}
_TRACE, _SPAN = ("trace.id", "trace_id", "traceId"), ("span.id", "span_id", "spanId")


class _Hit(BaseModel):
    source: dict[str, Any] = Field(alias="_source", default={})
    sort: list[int] = Field(min_length=1)


class _Hits(BaseModel):
    hits: list[_Hit]


class _Answer(BaseModel):
    hits: _Hits


class _Bucket(BaseModel):
    key: str


class _Buckets(BaseModel):
    buckets: list[_Bucket]


class _Services(BaseModel):
    services: _Buckets


class _Aggregated(BaseModel):
    aggregations: _Services | None = None  # left out where no index matches


class _Version(BaseModel):
    number: str
    distribution: str = "elasticsearch"


class _Root(BaseModel):
    version: _Version


class _Cause(BaseModel):
    reason: str


class _Error(BaseModel):
    root_cause: list[_Cause] = Field(min_length=1)


class _Refusal(BaseModel):
    error: _Error


_ANSWER, _AGGREGATED, _ROOT = TypeAdapter(_Answer), TypeAdapter(_Aggregated), TypeAdapter(_Root)


@dataclass(frozen=True)
class Elasticsearch(RemoteSource):
    """Logs by the Elastic Common Schema, or in fields that are told.

    https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search and
    https://docs.opensearch.org/latest/api-reference/search-apis/search/
    """

    slug: ClassVar[str] = "elasticsearch"
    title: ClassVar[str] = "Elasticsearch, OpenSearch"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"logs", "services"})
    example: ClassVar[str] = "https://elasticsearch.example:9200"
    settings: ClassVar[tuple[Setting, ...]] = (
        USERNAME,
        PASSWORD,
        Setting("api_key", "API key", "Instead of a user name and password.", is_secret=True),
        Setting("index", "Index", "Or a pattern. Left empty: logs-*."),
        Setting("message_field", "Field of the message", "Left empty: message."),
        Setting("service_field", "Field of the service", "Left empty: service.name."),
        Setting("level_field", "Field of the level", "Left empty: log.level."),
        Setting("time_field", "Field of the time", "Left empty: @timestamp."),
    )

    @classmethod
    def auth(cls, options: Mapping[str, str], secrets: Mapping[str, str]) -> httpx.Auth:
        if key := secrets.get("api_key"):
            return HeaderAuth({"authorization": f"ApiKey {key}"})
        return super().auth(options, secrets)

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        return _Refusal.model_validate_json(refusal).error.root_cause[0].reason

    async def check(self) -> str:
        """A question first: the version is told to anybody who is let in."""
        await self._search({"size": 0})
        version = read(_ROOT, await self.asker.get("/")).version
        names = {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}
        return f"{names.get(version.distribution, version.distribution[:40])} {version.number[:40]}"

    async def logs(self, query: LogQuery, limit: int) -> list[LogRecord]:
        found = read(_ANSWER, await self._search(self._question(query, limit)))
        return [self._record(hit) for hit in found.hits.hits]

    async def services(self, stretch: Stretch) -> list[str]:
        within = self._within(stretch.start_ms, stretch.end_ms)
        counted = {"terms": {"field": self._name("service_field"), "size": MOST_SERVICES}}
        question = {"size": 0, "query": within, "aggs": {"services": counted}}
        found = read(_AGGREGATED, await self._search(question)).aggregations
        return sorted(bucket.key for bucket in found.services.buckets) if found else []

    async def _search(self, question: Mapping[str, Any]) -> httpx.Response:
        index = quote(self._name("index"), safe="*,")
        return await self.asker.post(f"/{index}/_search?ignore_unavailable=true", json=question)

    def _name(self, setting: str) -> str:
        return self.options.get(setting) or _USUAL[setting]

    def _question(self, query: LogQuery, limit: int) -> dict[str, Any]:
        end_ms = (query.before[0] if query.before else query.end_ns) // 10**6
        wanted = [self._within(query.start_ns // 10**6, end_ms)]
        wanted += [self._said(phrase) for phrase in phrases_of(query.text)]
        if query.service:
            wanted.append(_equal(self._name("service_field"), query.service))
        if query.trace_id:
            wanted.append(_any([_equal(name, query.trace_id) for name in _TRACE]))
        if query.least_severity:
            words = words_from(query.least_severity)
            every = [case for word in words for case in (word, word.upper(), word.capitalize())]
            wanted.append({"terms": {self._name("level_field"): every}})
        wanted += [_equal(name, value) for name, value in query.attributes.items()]
        newest = {self._name("time_field"): {"order": "desc", "unmapped_type": "date"}}
        return {
            "size": min(limit, MOST_HITS),
            "query": {"bool": {"filter": wanted}},
            "sort": [newest],
        }

    def _within(self, start_ms: int, end_ms: int) -> dict[str, Any]:
        bounds = {"gte": start_ms, "lte": end_ms, "format": "epoch_millis"}
        return {"range": {self._name("time_field"): bounds}}

    def _said(self, phrase: Phrase) -> dict[str, Any]:
        kind = "match_phrase_prefix" if phrase.is_open else "match_phrase"
        return {kind: {self._name("message_field"): " ".join(phrase.words)}}

    def _record(self, hit: _Hit) -> LogRecord:
        known = dict(_flat(hit.source))
        at = hit.sort[0]
        return LogRecord(
            at_ns=at if at >= NANOSECONDS_FROM else at * 10**6,
            service=known.get(self._name("service_field"), ""),
            severity=severity_of(known.get(self._name("level_field"), "")),
            body=known.pop(self._name("message_field"), ""),
            attributes=known,
            trace_id=_first(known, _TRACE),
            span_id=_first(known, _SPAN),
        )


def _equal(field: str, value: str) -> dict[str, Any]:
    """A phrase of the whole value fits a keyword exactly, and text as well as text can."""
    return {"match_phrase": {field: value}}


def _any(wanted: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": wanted, "minimum_should_match": 1}}


def _flat(document: Mapping[str, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """Names with dots, whether the document nests or not."""
    found: list[tuple[str, str]] = []
    for name, value in document.items():
        if isinstance(value, dict) and depth < MOST_NESTED:
            found += _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            found.append((f"{prefix}{name}", text_of(value)))
    return found


def _first(known: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((known[name] for name in names if known.get(name)), "")
