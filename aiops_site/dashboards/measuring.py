"""Metrics for a panel: of our own store, or of an outside source by its name."""

import numpy as np

from aiops_site.dashboards.time_range import Range
from telemetry import asking as sources
from telemetry import own_metrics
from telemetry.promql import asking
from telemetry.promql.errors import InvalidQuery
from telemetry.promql.evaluating import Limits
from telemetry.promql.selecting import newest
from telemetry.promql.vectors import Scalar, Text, Value, Vector, Windows
from telemetry.sources.base import SourceFailed, Stretch
from telemetry.store.frames import Frame, Times

PANEL_SECONDS = 5.0
MOST_SAMPLES = 4_000_000
BACK_MS = 5 * 60_000
BACK_STEP_MS = 60_000


def over_time(query: str, source: str, seen: Range, *, of: int) -> tuple[Times, Vector | Scalar]:
    """One of so many queries of a panel, at each step of the range.

    Raises QueryError, SourceFailed, and what the store raises.
    """
    start_ms = seen.start_ms // seen.step_ms * seen.step_ms
    if not source:
        return asking.ask_range(
            own_metrics.store(),
            query,
            start_ms=start_ms,
            end_ms=seen.end_ms,
            step_ms=seen.step_ms,
            limits=_limits(of),
        )
    times = np.arange(start_ms, seen.end_ms + 1, seen.step_ms, dtype=np.int64)
    frames = _asked(query, source, Stretch(start_ms, seen.end_ms), seen.step_ms, of)
    return times, _at(times, frames, back_ms=seen.step_ms)


def at_the_end(query: str, source: str, seen: Range, *, of: int) -> Vector:
    """As `over_time`, at the range's last moment."""
    if not source:
        return _vector(
            asking.ask(own_metrics.store(), query, at_ms=seen.end_ms, limits=_limits(of))
        )
    stretch = Stretch(seen.end_ms - BACK_MS, seen.end_ms)
    frames = _asked(query, source, stretch, BACK_STEP_MS, of)
    return _at(np.array([seen.end_ms], dtype=np.int64), frames, back_ms=BACK_MS)


def _asked(query: str, name: str, stretch: Stretch, step_ms: int, of: int) -> list[Frame]:
    source = next((each for each in sources.sources_that("metrics") if each.name == name), None)
    if source is None:
        raise SourceFailed(f"There is no source {name} that can be asked for metrics.")
    seconds = PANEL_SECONDS / of
    return sources.ask(source, lambda each: each.metrics(query, stretch, step_ms), seconds=seconds)


def _limits(of: int) -> Limits:
    """All the queries of a panel share its time."""
    return Limits(seconds=PANEL_SECONDS / of, samples=MOST_SAMPLES)


def _at(times: Times, frames: list[Frame], *, back_ms: int) -> Vector:
    """A value counts for its own step and no further: what a source left out is a gap."""
    vector, seconds = newest(frames, times)
    is_near = seconds * 1000 > times - back_ms if vector.labels else vector.present
    return Vector(vector.labels, vector.values, vector.present & is_near)


def _vector(value: Value) -> Vector:
    match value:
        case Vector():
            return value
        case Scalar(values):
            return Vector([{}], values[None, :], ~np.isnan(values[None, :]))
        case Text() | Windows():
            raise InvalidQuery("a panel shows numbers at a moment, not a range or a text")
