"""Whatever a source answers, it is an answer or a failure in words, and never anything else."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.source_questions import _QUESTIONS
from telemetry.sources import SOURCES
from telemetry.sources.base import RemoteSource, Source, SourceFailed, Stretch
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery
from tests.telemetry.sources.recorded import ANSWERS

NS = 1_795_350_000 * 10**9
STRETCH = Stretch(NS // 10**6 - 60_000, NS // 10**6)
Question = Callable[[Source], Coroutine[Any, Any, Any]]
QUESTIONS: Mapping[str, Question] = {
    "metrics": lambda source: source.metrics("up", STRETCH, 60_000),
    "logs": lambda source: source.logs(LogQuery(0, NS, trace_id="ab"), 10),
    "traces": lambda source: source.traces(TraceQuery(0, NS, service="x"), 10),
    "services": lambda source: source.services(STRETCH),
    "edges": lambda source: source.edges(STRETCH),
    "trace": lambda source: source.trace("ab"),
    "check": lambda source: source.check(),
}
RECORDED = [
    json.loads(path.read_bytes()) for path in sorted(ANSWERS.glob("*/*.json"))
] + [
    {"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"a": "b"}, "values": [[1000, "1"]]}]}},
    {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"client": "a", "server": "b"}, "value": [1000, "1"]}]}},
]  # fmt: skip
ODD = st.sampled_from(
    [None, -1, 10**30, 1e308, "NaN", "+Inf", "", "x\0y", [], {}, [[]], {"a": {"b": [None]}}, True]
)


@dataclass
class Answering:
    """A double at the network's edge: the same body, whatever is asked."""

    body: bytes

    async def get(self, path: str, params: Any = None, **rest: Any) -> httpx.Response:
        return httpx.Response(200, content=self.body)

    async def post(self, path: str, **rest: Any) -> httpx.Response:
        return httpx.Response(200, content=self.body)


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A recorded answer with one part of it replaced by something odd, or cut off."""
    document = json.loads(json.dumps(draw(st.sampled_from(RECORDED))))
    parts = list(_parts(document))
    if parts:
        holder, key = draw(st.sampled_from(parts))
        holder[key] = draw(ODD)
    body = json.dumps(document).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body


def _parts(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(pairs):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _parts(inner)


def asked(kind: type[RemoteSource], body: bytes, question: Question) -> Any:
    return asyncio.run(question(kind(Answering(body), {"region": "x"})))


@pytest.mark.parametrize("kind", SOURCES.values(), ids=SOURCES)
@given(body=bent() | st.binary(max_size=60))
def test_an_odd_answer_is_an_answer_or_a_failure(kind: type[RemoteSource], body: bytes) -> None:
    able = {*kind.abilities, "check", *(["trace"] if "traces" in kind.abilities else [])}
    for ability in sorted(able):
        try:
            found = asked(kind, body, QUESTIONS[ability])
        except SourceFailed:
            continue
        if ability in _QUESTIONS:
            _, shown = _QUESTIONS[ability]
            assert shown(found)


@pytest.mark.parametrize("kind", SOURCES.values(), ids=SOURCES)
@given(body=bent() | st.binary(max_size=60))
def test_an_odd_refusal_has_a_reason_or_none(kind: type[RemoteSource], body: bytes) -> None:
    try:
        reason = kind.reason_in(body)
    except ValueError:
        return
    assert isinstance(reason, str)
