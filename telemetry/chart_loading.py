"""The stored points of one series in a stretch of time, as a chart shows them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from telemetry.chart_series import (
    Anomaly,
    ChartSeries,
    Column,
    Event,
    Severity,
    Window,
    downsample,
)
from telemetry.models import Series, Watch
from telemetry.series_names import series_title

GAP_STEPS = 3
CALM_POINTS = 10  # as many as end an anomaly; see telemetry.hysteresis
QUIET_MS = 20_000  # points arrive, and are judged, within this
HIGH_SCORE = 5.0
Row = tuple[int, float | None, float | None, float | None, float | None]


def load_chart(
    series: Series,
    *,
    start: datetime,
    end: datetime,
    now: datetime,
    points: int,
    incidents: Sequence[Window] = (),
    events: Sequence[Event] = (),
) -> ChartSeries:
    """At most `points` points; gaps are None, and where an anomaly began is kept."""
    rows = _with_gaps(_rows(series, start, end))
    odd = _begins(rows)
    x, y = [row[0] for row in rows], [row[1] for row in rows]
    chosen = [rows[index] for index in downsample(x, y, keep=odd, points=points)]
    return ChartSeries(
        title=f"{series.service.slug} {series_title(series.name)}",
        unit=series.unit,
        x=[row[0] for row in chosen],
        y=[row[1] for row in chosen],
        lower=[row[2] for row in chosen],
        upper=[row[3] for row in chosen],
        now_ms=as_ms(now),
        is_learning=is_learning(series),
        anomalies=[_anomaly(row) for row in chosen if row[0] in odd],
        incidents=incidents,
        events=events,
        missing=[*_missing(rows), *_silence(rows, as_ms(min(end, now)))],
    )


def step_ms(x: Sequence[int]) -> float | None:
    """The usual distance of two points; None when there are too few to say."""
    return median(b - a for a, b in pairwise(x)) if len(x) > 1 else None


def is_learning(series: Series) -> bool:
    watch = getattr(series, "watch", None)
    return watch is not None and watch.is_learning


def as_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def as_moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def newest(y: Column, x: Sequence[int]) -> int | None:
    """When the last known value was measured, in ms."""
    return next(
        (at for at, value in zip(reversed(x), reversed(y), strict=True) if value is not None), None
    )


def _rows(series: Series, start: datetime, end: datetime) -> list[Row]:
    stretch = series.points.filter(at_ms__gte=as_ms(start), at_ms__lte=_until(series, end))
    columns = ("at_ms", "value", "lower", "upper", "score")
    return list(stretch.order_by("at_ms").values_list(*columns))


def _until(series: Series, end: datetime) -> int:
    """Of a watched series no further than judged: a point without its band would look normal."""
    watch: Watch | None = getattr(series, "watch", None)
    if watch is None or not watch.is_enabled or not watch.judged_until_ms:
        return as_ms(end)
    return min(as_ms(end), watch.judged_until_ms)


def _begins(rows: list[Row]) -> set[int]:
    """Where each stretch of anomalous points begins: a mark for every point would be a wall.

    A few normal ones in between do not end a stretch.
    """
    begins, calm = set(), CALM_POINTS
    for row in rows:
        is_odd = (row[4] or 0.0) > 1
        if is_odd and calm >= CALM_POINTS:
            begins.add(row[0])
        calm = 0 if is_odd else calm + 1
    return begins


def _with_gaps(rows: list[Row]) -> list[Row]:
    """A row without a value after each point that has no neighbour within a few steps."""
    usual = step_ms([row[0] for row in rows])
    if usual is None:
        return rows
    whole: list[Row] = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        whole.append(row)
        if following is not None and following[0] - row[0] > GAP_STEPS * usual:
            whole.append((int(row[0] + usual), None, None, None, None))
    return whole


def _missing(rows: list[Row]) -> list[tuple[int, int]]:
    return [(gap[0], following[0]) for gap, following in pairwise(rows) if gap[1] is None]


def _silence(rows: list[Row], until_ms: int) -> list[tuple[int, int]]:
    """From the last point to now, when the next one is overdue."""
    usual = step_ms([row[0] for row in rows])
    if usual is None or until_ms - rows[-1][0] < max(GAP_STEPS * usual, QUIET_MS):
        return []
    return [(rows[-1][0], until_ms)]


def _anomaly(row: Row) -> Anomaly:
    score = row[4] or 0.0
    severity: Severity = "high" if score >= HIGH_SCORE else "medium"
    return Anomaly(at_ms=row[0], value=row[1] or 0.0, score=score, severity=severity)
