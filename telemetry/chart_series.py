"""What a chart shows, and thinning it to what a screen can show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]
Column = Sequence[float | None]

MAX_POINTS = 1500


@dataclass(frozen=True, slots=True)
class Anomaly:
    at_ms: int
    value: float
    score: float
    severity: Severity = "medium"


@dataclass(frozen=True, slots=True)
class Window:
    """From onset to end; `end_ms` is None while it lasts."""

    start_ms: int
    end_ms: int | None
    severity: Severity


@dataclass(frozen=True, slots=True)
class Event:
    """A deploy, a configuration change, a restart: a moment, drawn without its label, which
    belongs to a link in the strip above the plot. `url` is a path of the console, or empty."""

    at_ms: int
    kind: str
    label: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    value: float
    label: str


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """Columns are as long as `x`; None in `y` is a gap, None in the band is "not known yet"."""

    title: str
    unit: str
    x: Sequence[int]
    y: Column
    lower: Column
    upper: Column
    now_ms: int
    is_learning: bool = False
    previous: Column = ()
    anomalies: Sequence[Anomaly] = field(default_factory=tuple)
    incidents: Sequence[Window] = field(default_factory=tuple)
    events: Sequence[Event] = field(default_factory=tuple)
    thresholds: Sequence[Threshold] = field(default_factory=tuple)
    missing: Sequence[tuple[int, int]] = field(default_factory=tuple)


def downsample(
    x: Sequence[int], y: Column, *, keep: Collection[int] = (), points: int = MAX_POINTS
) -> list[int]:
    """Indexes of at most `points` points that keep the shape: in each stretch of equal length the
    least and the greatest, the ends, the first None of every gap, and every point whose time is
    in `keep`; when those alone are too many, an even choice of them. Take the same
    indexes of every column.
    """
    if len(y) <= points:
        return list(range(len(y)))
    wanted = set(keep)
    must = {0, len(y) - 1} | {i for i, at in enumerate(x) if at in wanted} | set(_gap_starts(y))
    if len(must) >= points:
        return spread(sorted(must), points)
    stretches = (points - len(must)) // 2
    return sorted(must.union(*(_extremes(y, stretches, n) for n in range(stretches))))


def spread(indexes: Sequence[int], count: int) -> list[int]:
    """At most `count` of them, evenly, the first and the last included."""
    if len(indexes) <= count:
        return list(indexes)
    if count < 2:
        return list(indexes[-count:]) if count else []
    last = len(indexes) - 1
    return [indexes[round(step * last / (count - 1))] for step in range(count)]


def _gap_starts(y: Column) -> list[int]:
    return [i for i, value in enumerate(y) if value is None and (i == 0 or y[i - 1] is not None)]


def _extremes(y: Column, stretches: int, number: int) -> set[int]:
    start, end = (len(y) * (number + more) // stretches for more in (0, 1))
    known = {i: value for i in range(start, end) if (value := y[i]) is not None}
    return (
        {min(known, key=known.__getitem__), max(known, key=known.__getitem__)} if known else set()
    )
