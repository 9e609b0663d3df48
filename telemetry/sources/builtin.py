import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from telemetry.calls import CallEdge, tally
from telemetry.linear_regex import InvalidPattern
from telemetry.promql.asking import ask_range
from telemetry.promql.errors import QueryError
from telemetry.promql.vectors import Scalar, Vector
from telemetry.records import LogRecord, Span
from telemetry.sources.base import Ability, Language, Source, SourceFailed, Stretch
from telemetry.span_calls import find_calls
from telemetry.store.database import Unavailable
from telemetry.store.frames import Frame, Times
from telemetry.store.logs import LogQuery, LogStore, TextTooLong
from telemetry.store.metrics import MetricStore, TooMuch
from telemetry.store.spans import SpanStore, TraceQuery, TraceSummary

MOST_SPANS = 50_000
AROUND_NS = 60 * 10**9  # how much earlier a parent may have begun, and later a child
T = TypeVar("T")


@dataclass(frozen=True)
class Builtin(Source):
    """What the console keeps itself. Each deed runs in a thread, since the stores wait."""

    slug: ClassVar[str] = "builtin"
    title: ClassVar[str] = "Built-in store"
    abilities: ClassVar[frozenset[Ability]] = frozenset(
        {"metrics", "logs", "traces", "services", "edges"}
    )
    language: ClassVar[Language] = "promql"

    metric_store: MetricStore
    log_store: LogStore
    span_store: SpanStore

    async def check(self) -> str:
        size = await _in_thread(self.metric_store.size)
        return f"The console's own store, with {size.series:,} series."

    async def metrics(self, query: str, stretch: Stretch, step_ms: int) -> list[Frame]:
        return await _in_thread(self._metrics, query, stretch, step_ms)

    async def logs(self, query: LogQuery, limit: int) -> list[LogRecord]:
        return [kept.record for kept in await _in_thread(self.log_store.search, query, limit)]

    async def traces(self, query: TraceQuery, limit: int) -> list[TraceSummary]:
        return await _in_thread(self.span_store.find, query, limit)

    async def trace(self, trace_id: str) -> list[Span]:
        return await _in_thread(self.span_store.trace, trace_id)

    async def services(self, stretch: Stretch) -> list[str]:
        return await _in_thread(self._services, stretch)

    async def edges(self, stretch: Stretch) -> list[CallEdge]:
        return await _in_thread(self._edges, stretch)

    def _metrics(self, query: str, stretch: Stretch, step_ms: int) -> list[Frame]:
        times, value = ask_range(
            self.metric_store,
            query,
            start_ms=stretch.start_ms,
            end_ms=stretch.end_ms,
            step_ms=step_ms,
        )
        return _frames(times, value)

    def _services(self, stretch: Stretch) -> list[str]:
        bounds_ms = stretch.start_ms, stretch.end_ms
        bounds_ns = stretch.start_ms * 10**6, stretch.end_ms * 10**6
        found = {*self.log_store.services(*bounds_ns), *self.span_store.services(*bounds_ns)}
        jobs = self.metric_store.label_values("job", [], *bounds_ms)
        return sorted(name for name in {*found, *(job.rpartition("/")[2] for job in jobs)} if name)

    def _edges(self, stretch: Stretch) -> list[CallEdge]:
        start_ns, end_ns = stretch.start_ms * 10**6, (stretch.end_ms + 1) * 10**6
        spans = self.span_store.between(start_ns - AROUND_NS, end_ns + AROUND_NS, MOST_SPANS)
        return tally(find_calls(spans, start_ns, end_ns))


def _frames(times: Times, value: Vector | Scalar) -> list[Frame]:
    """Series that are there at the same steps share a frame."""
    if isinstance(value, Scalar):
        return [Frame(({},), times, value.values[None, :])]
    together: dict[bytes, list[int]] = {}
    for row, present in enumerate(value.present):
        together.setdefault(present.tobytes(), []).append(row)
    frames = []
    for rows in together.values():
        present = value.present[rows[0]]
        labels = tuple(value.labels[row] for row in rows)
        if present.any():
            frames.append(Frame(labels, times[present], value.values[rows][:, present]))
    return frames


@contextmanager
def failing_as_source() -> Iterator[None]:
    """What our own stores raise, in the words of every source."""
    try:
        yield
    except Unavailable as error:
        raise SourceFailed(str(error), is_passing=True) from error
    except (QueryError, TooMuch, TextTooLong, InvalidPattern) as error:
        raise SourceFailed(str(error), is_about_question=True) from error


async def _in_thread(deed: Callable[..., T], *args: Any) -> T:
    with failing_as_source():
        return await asyncio.to_thread(deed, *args)
