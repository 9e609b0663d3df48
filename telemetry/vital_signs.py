"""The golden signals of a service, each from the series that tells most, with its latest value.

A service that hangs reports nothing about itself, so what its callers measured takes over as soon
as its own series fall behind.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from telemetry.chart_loading import as_moment
from telemetry.models import Point, Series
from telemetry.series_names import SEEN_BY_CALLERS
from telemetry.units import format_range, format_value

KINDS = {
    "latency": "Latency, p95",
    "errors": "Errors",
    "traffic": "Traffic",
    "saturation": "Saturation",
}
DURATIONS = {"p95": "latency", "p99": "tail", "rate": "traffic"}
BEHIND_MS = 15_000
LATE_MS = 120_000
LEAST_SHARE = 100
MOST_SERIES = 5_000


@dataclass(frozen=True, slots=True)
class Vital:
    """`expected` is empty while the detector learns. `is_late`: no point for two minutes."""

    kind: str
    series: Series
    value: str
    expected: str
    is_odd: bool
    is_late: bool
    at: datetime

    @property
    def title(self) -> str:
        return KINDS[self.kind]


def kind_of(name: str) -> str | None:
    """Which golden signal a series measures, by its name; None for the rest. The "tail" is shown
    beside the latency where it is asked for."""
    base = name.replace(SEEN_BY_CALLERS, "")
    if "duration" in base:
        return DURATIONS.get(base.rpartition(".")[2])
    if "error" in base:
        return "errors" if base.endswith(".rate") else None
    if base.endswith((".requests.rate", "_requests.rate")):
        return "traffic"
    is_filling = any(word in base for word in ("memory", "cpu", "active_requests", "queue"))
    return "saturation" if is_filling else None


def choose(found: Iterable[Series], kinds: Collection[str]) -> dict[str, Series]:
    """For each kind the freshest series; of equally fresh ones the service's own, plainest one."""
    by_kind: defaultdict[str, list[Series]] = defaultdict(list)
    for series in found:
        kind = kind_of(series.name)
        if kind and series.last_at_ms:
            by_kind[kind].append(series)
    return {kind: _best(by_kind[kind]) for kind in kinds if by_kind[kind]}


def vitals_of(
    service_ids: Collection[int], at: datetime, kinds: Collection[str] = tuple(KINDS)
) -> dict[int, dict[str, Vital]]:
    """By service, then by kind. Three queries, for however many services."""
    rows = Series.objects.select_related("service", "watch").filter(service__in=service_ids)
    by_service: defaultdict[int, list[Series]] = defaultdict(list)
    for series in rows[:MOST_SERIES]:
        by_service[series.service_id].append(series)
    chosen = {service: choose(found, kinds) for service, found in by_service.items()}
    points = _latest_points([s for signs in chosen.values() for s in signs.values()])
    return {
        service: {
            kind: _vital(kind, series, points[series.pk], at)
            for kind, series in signs.items()
            if series.pk in points
        }
        for service, signs in chosen.items()
    }


def _best(series: list[Series]) -> Series:
    newest = max(each.last_at_ms for each in series)
    fresh = [each for each in series if newest - each.last_at_ms < BEHIND_MS]
    return min(fresh, key=_plainness)


def _plainness(series: Series) -> tuple[bool, bool, int, int]:
    is_by_route = "duration" in series.name and series.name.endswith(".rate")
    return SEEN_BY_CALLERS in series.name, is_by_route, len(series.labels), series.pk


def _latest_points(chosen: list[Series]) -> dict[int, Point]:
    """Only judged points know what was expected; an unjudged one is at most a moment newer."""
    ids = [series.pk for series in chosen]
    after_ms = F("series__last_at_ms") - BEHIND_MS
    newest: dict[int, Point] = {}
    judged: dict[int, Point] = {}
    for point in Point.objects.filter(series__in=ids, at_ms__gt=after_ms).order_by("at_ms"):
        newest[point.series_id] = point
        if point.score is not None:
            judged[point.series_id] = point
    return newest | judged


def _range(lower: float, upper: float, unit: str) -> str:
    """Nothing measured here is ever below 0, though a band may be; next to nothing is 0."""
    return format_range(0.0 if lower < upper / LEAST_SHARE else lower, upper, unit)


def _vital(kind: str, series: Series, point: Point, at: datetime) -> Vital:
    expected = ""
    if point.lower is not None and point.upper is not None:
        expected = _range(max(point.lower, 0.0), max(point.upper, 0.0), series.unit)
    moment = as_moment(point.at_ms)
    return Vital(
        kind=kind,
        series=series,
        value=format_value(point.value, series.unit),
        expected=expected,
        is_odd=point.score is not None and point.score > 1,
        is_late=(at - moment).total_seconds() * 1000 > LATE_MS,
        at=moment,
    )
