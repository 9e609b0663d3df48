"""Whether a change did harm: errors and latency of its service before and after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db.models import Avg, Q
from django.utils import timezone

from telemetry.chart_loading import as_ms
from telemetry.models import Change, Point, Series, Service
from telemetry.units import format_value
from telemetry.vital_signs import choose

LOOKED = timedelta(minutes=10)
WORSE = 1.5
LEAST_ERRORS = 0.01  # a second; next to nothing has no multiple
KINDS = ("latency", "errors")
Word = Literal["ok", "suspect", "unknown"]


@dataclass(frozen=True, slots=True)
class Measure:
    """`before` and `after` in words; one of them is a dash where nothing was measured."""

    title: str
    before: str
    after: str
    is_worse: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    word: Word
    reason: str
    measures: tuple[Measure, ...]


def verdicts_of(service: Service, changes: Sequence[Change]) -> dict[int, Verdict]:
    """By change. One query measures all of them."""
    chosen = choose(service.series.all(), KINDS)
    means = _means(list(chosen.values()), changes)
    return {change.pk: _judge(change, chosen, means) for change in changes}


def _judge(change: Change, chosen: dict[str, Series], means: dict[str, float | None]) -> Verdict:
    measures = tuple(_measure(change, kind, series, means) for kind, series in chosen.items())
    if change.status == Change.Status.FAILED:
        return Verdict("suspect", "it failed", measures)
    worse = [each.title for each in measures if each.is_worse]
    if worse:
        return Verdict("suspect", f"{' and '.join(worse)} rose", measures)
    is_known = any("\N{EN DASH}" not in (each.before, each.after) for each in measures)
    if not is_known:
        return Verdict("unknown", "nothing was measured before and after it", measures)
    return Verdict("ok", "neither latency nor errors rose", measures)


def _measure(change: Change, kind: str, series: Series, means: dict[str, float | None]) -> Measure:
    before, after = (means.get(_name(series, change, side)) for side in ("before", "after"))
    least = LEAST_ERRORS if kind == "errors" else 0.0
    is_worse = before is not None and after is not None and after > max(before, least) * WORSE
    words = (_words(before, series), _words(after, series))
    return Measure(kind, *words, is_worse=is_worse)


def _words(value: float | None, series: Series) -> str:
    return "\N{EN DASH}" if value is None else format_value(value, series.unit)


def _means(series: Sequence[Series], changes: Sequence[Change]) -> dict[str, float | None]:
    wanted = {
        _name(each, change, side): (each, stretch)
        for each in series
        for change in changes
        for side, stretch in _stretches(change).items()
    }
    if not wanted:
        return {}
    conditions = {name: _within(each, stretch) for name, (each, stretch) in wanted.items()}
    anywhere = Q()
    for condition in conditions.values():
        anywhere |= condition
    averages: dict[str, Any] = {
        name: Avg("value", filter=condition) for name, condition in conditions.items()
    }
    return Point.objects.filter(anywhere).aggregate(**averages)


def _name(series: Series, change: Change, side: str) -> str:
    return f"s{series.pk}_c{change.pk}_{side}"


def _stretches(change: Change) -> dict[str, tuple[int, int]]:
    """What a change takes to be made counts as neither."""
    done = change.ended_at or change.began_at
    end = min(done + LOOKED, timezone.now())
    return {
        "before": (as_ms(change.began_at - LOOKED), as_ms(change.began_at)),
        "after": (as_ms(done), as_ms(end)),
    }


def _within(series: Series, stretch: tuple[int, int]) -> Q:
    return Q(series_id=series.pk, at_ms__gte=stretch[0], at_ms__lt=stretch[1])
