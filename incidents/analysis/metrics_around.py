"""What the metrics of the services, their callers and callees did around the onset."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Avg, Count, Max, Min, Q
from django.utils import timezone

from incidents.analysis import case, metrics_words
from incidents.analysis.finding import Finding, NotEnoughData
from incidents.analysis.series_kind import kind_of, parties_of, stem_of
from incidents.models import Incident
from telemetry import topology
from telemetry.models import Point, Series
from telemetry.units import format_range, format_value

BEFORE = timedelta(minutes=15)
LONGEST = timedelta(hours=1)
MOST_SERIES = 500
MOST_DEPARTURES = 24
MOST_SIGNALS = 6
TRIPS, AMONG = 3, 5
QUIET_STEPS = 5
QUIET_AT_LEAST_MS = 5000
RISE = 2.0
HIGHEST_SCORE = 1e6
_KIND_ORDER = ("latency", "errors", "resource", "saturation", "traffic", "other")


@dataclass(frozen=True, slots=True)
class Window:
    """Epoch milliseconds; the onset lies between. What departed before `own` was the trouble of
    an incident before this one."""

    start: int
    own: int
    onset: int
    end: int

    def points(self) -> Q:
        return Q(at_ms__gte=self.start, at_ms__lte=self.end)


@dataclass(frozen=True, slots=True)
class Track:
    """One series within the window. `odd` counts points at or over the threshold."""

    series: Series
    count: int
    judged: int
    odd: int
    peak: float
    first_ms: int
    last_ms: int
    before: float | None
    since: float | None

    @property
    def parties(self) -> tuple[str, str]:
        """The service it tells about, and its caller if it was the caller that measured."""
        return parties_of(self.series.service.slug, self.series.labels)

    @property
    def shape(self) -> tuple[int, str, str]:
        """The same for all quantiles of one histogram: one of them tells enough."""
        series = self.series
        return series.service_id, stem_of(series.name), str(series.labels)

    @property
    def words(self) -> str:
        service, caller = self.parties
        name = self.series.name.replace(".seen_by_callers", "")
        return f"{service} {name}{f' seen by {caller}' if caller else ''}"


def look(incident: Incident) -> Finding:
    services = scope(incident)
    window = _window(incident, services)
    tracks = _tracks(services, window)
    if not tracks:
        raise NotEnoughData(metrics_words.missing(services))
    departures = _departures(tracks, window)
    silent = _silent(tracks, window)
    rises = _error_rises(tracks, departures)
    judged = sum(track.judged > 0 for track in tracks)
    return Finding(
        summary=metrics_words.summary(len(tracks), judged, departures, silent),
        result={
            "services": case.touched(incident),
            "window": {"from_ms": window.start, "to_ms": window.end},
            "looked": _looked(tracks),
            "signals": _signals(tracks, departures),
            "departures": departures,
            "silent": silent,
            "error_rises": rises,
        },
        evidence=[
            *metrics_words.silences(silent),
            *map(metrics_words.evidence, departures[:8]),
            *metrics_words.risen(rises),
        ],
    )


def nothing(incident: Incident, summary: str) -> Finding:
    """As `look` where there are no metrics."""
    window = _window(incident, set())
    return Finding(
        summary=summary,
        result={
            "services": case.touched(incident),
            "window": {"from_ms": window.start, "to_ms": window.end},
            "looked": {},
            **{name: [] for name in ("signals", "departures", "silent", "error_rises")},
        },
    )


def scope(incident: Incident) -> set[str]:
    """The services touched, all they need and who calls them directly: the trouble is in there."""
    edges = case.load_edges()
    near = case.touched(incident)
    callers = [caller for caller, callee in edges if callee in set(near)]
    callees = sorted(set().union(*(topology.dependencies(slug, edges) for slug in near)))
    return set(list(dict.fromkeys([*near, *callers, *callees]))[: case.MOST_SERVICES])


def first_departure(points: Iterable[tuple[int, float | None]]) -> int | None:
    """When a series left its band for good: the first odd point of three among five.

    `points` are (epoch ms, score), oldest first. A lone odd point is noise.
    """
    odd = [(at_ms, score is not None and score >= 1) for at_ms, score in points]
    for index, (at_ms, is_odd) in enumerate(odd):
        if is_odd and sum(flag for _, flag in odd[index : index + AMONG]) >= TRIPS:
            return at_ms
    return None


def _window(incident: Incident, services: set[str]) -> Window:
    onset = case.trusted_onset(incident)
    start, end = onset - BEFORE, min(timezone.now(), onset + LONGEST)
    own = max(start, case.end_before(incident, services) or start)
    moments = (start, own, onset, end)
    return Window(*(int(at.timestamp() * 1000) for at in moments))


def _tracks(services: set[str], window: Window) -> list[Track]:
    wanted = Series.objects.filter(service__slug__in=services, last_at_ms__gte=window.start)
    by_id = {series.pk: series for series in wanted.select_related("service")[:MOST_SERIES]}
    rows = Point.objects.filter(window.points(), series_id__in=list(by_id)).values("series_id")
    measured = rows.annotate(
        count=Count("at_ms"),
        judged=Count("score"),
        odd=Count("at_ms", filter=Q(score__gte=1)),
        peak=Max("score"),
        first_ms=Min("at_ms"),
        last_ms=Max("at_ms"),
        before=Avg("value", filter=Q(at_ms__lt=window.onset)),
        since=Avg("value", filter=Q(at_ms__gte=window.onset)),
    )
    return [_track(by_id[row["series_id"]], row) for row in measured.order_by("series_id")]


def _track(series: Series, row: Mapping[str, Any]) -> Track:
    measures = {name: value for name, value in row.items() if name not in ("series_id", "peak")}
    return Track(series, peak=row["peak"] or 0.0, **measures)


def _departures(tracks: list[Track], window: Window) -> list[dict[str, Any]]:
    odd = sorted((t for t in tracks if t.odd >= TRIPS), key=lambda track: -track.peak)
    found = [_departure(track, window) for track in _one_a_shape(odd)[:MOST_DEPARTURES]]
    return [departure for departure in found if departure is not None]


def _one_a_shape(tracks: Iterable[Track]) -> list[Track]:
    """Of each histogram the 95th percentile if it is there; the order of the worst is kept."""
    chosen: dict[tuple[int, str, str], Track] = {}
    for track in tracks:
        if track.shape not in chosen or track.series.name.endswith(".p95"):
            chosen[track.shape] = track
    return list(chosen.values())


def _departure(track: Track, window: Window) -> dict[str, Any] | None:
    points = Point.objects.filter(
        series_id=track.series.pk, at_ms__gte=window.own, at_ms__lte=window.end
    )
    left_at = first_departure(points.order_by("at_ms").values_list("at_ms", "score"))
    if left_at is None:
        return None
    peak = points.filter(at_ms__gte=left_at, score__gte=1).order_by("-score", "at_ms")[0]
    series = track.series
    service, caller = track.parties
    expected = format_range(peak.lower or 0.0, peak.upper or 0.0, series.unit)
    return {
        "series": series.pk,
        "service": service,
        "caller": caller,
        "name": series.name,
        "kind": kind_of(series.name),
        "is_above": peak.upper is not None and peak.value > peak.upper,
        "peak_score": round(min(peak.score or 0.0, HIGHEST_SCORE), 2),
        "value": peak.value,
        "lower": peak.lower,
        "upper": peak.upper,
        "left_at_ms": left_at,
        "offset_seconds": round((left_at - window.onset) / 1000),
        "text": f"{track.words} {format_value(peak.value, series.unit)}, expected {expected}",
    }


def _silent(tracks: list[Track], window: Window) -> list[dict[str, Any]]:
    """Services which stopped reporting while others go on: a hung or dead process says nothing."""
    newest = min(Series.objects.aggregate(newest=Max("last_at_ms"))["newest"], window.end)
    by_service: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        service, caller = track.parties
        by_service[caller or service].append(track)
    lasts = {slug: max(t.last_ms for t in mine) for slug, mine in by_service.items()}
    quiet = {slug for slug, mine in by_service.items() if newest - lasts[slug] > _patience(mine)}
    return [
        {
            "service": slug,
            "offset_seconds": round((lasts[slug] - window.onset) / 1000),
            "quiet_seconds": (newest - lasts[slug]) // 1000,
        }
        for slug in sorted(quiet)
    ]


def _patience(tracks: list[Track]) -> float:
    steps = [(t.last_ms - t.first_ms) / (t.count - 1) for t in tracks if t.count >= QUIET_STEPS]
    return max(QUIET_AT_LEAST_MS, QUIET_STEPS * min(steps)) if steps else float("inf")


def _error_rises(tracks: list[Track], departures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Error rates that rose, of series whose band is not known or was not left."""
    told = {departure["series"] for departure in departures}
    rates = [t for t in tracks if t.series.pk not in told and "/s" in t.series.unit]
    errors = [t for t in rates if kind_of(t.series.name) == "errors"]
    return [
        {
            "series": track.series.pk,
            "service": track.parties[0],
            "caller": track.parties[1],
            "text": f"{track.words} {format_value(track.since, track.series.unit)},"
            f" before {format_value(track.before, track.series.unit)}",
        }
        for track in errors
        if track.before is not None and track.since and track.since > RISE * track.before
    ]


def _looked(tracks: Iterable[Track]) -> dict[str, dict[str, int]]:
    """For each service: how many of its own series there are, and how many could be judged."""
    looked: dict[str, dict[str, int]] = {}
    for track in tracks:
        service, caller = track.parties
        if not caller:
            count = looked.setdefault(service, {"series": 0, "judged": 0})
            count["series"] += 1
            count["judged"] += track.judged > 0
    return looked


def _signals(tracks: list[Track], departures: list[dict[str, Any]]) -> list[int]:
    """The series worth a chart: those that left their band, the most telling kind first, since a
    score compares a series with itself only; then the nearest to its band."""
    telling = sorted(departures, key=lambda each: _KIND_ORDER.index(kind_of(each["name"])))
    first = [departure["series"] for departure in telling]
    kinds = {track.series.pk: _KIND_ORDER.index(kind_of(track.series.name)) for track in tracks}
    others = sorted(tracks, key=lambda t: (t.peak < 1, kinds[t.series.pk], -t.peak))
    near = [track.series.pk for track in _one_a_shape(others)]
    return list(dict.fromkeys([*first, *near]))[:MOST_SIGNALS]
