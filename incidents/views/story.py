"""What an incident is about in a sentence or two, made of what the analysis found, honest when it
found nothing; and the few numbers that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from incidents.analysis import case
from incidents.analysis.finding import CONFIRMED, LIKELY, POSSIBLE
from incidents.models import Alert, Incident
from telemetry.models import Anomaly, Point, Series
from telemetry.series_names import series_title
from telemetry.units import format_range, format_value

MOST_STATS = 4
LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Stat:
    """`expected` is a range in words, or empty while it is being learnt."""

    title: str
    value: str
    expected: str
    is_bad: bool
    is_learning: bool


@dataclass(frozen=True, slots=True)
class Affected:
    slug: str
    state: str
    words: str


def lead(incident: Incident, found: dict[str, dict[str, Any]]) -> list[str]:
    """Sentences; of an active incident the first goes on after "Since 14:02 "."""
    sentences = [_what(incident) if incident.is_active else _what_was(incident)]
    failing = found.get("impact", {}).get("failing")
    if failing and failing["share"] >= LEAST_SHARE:
        said = format_value(round(100 * failing["share"], 1), "%")
        sentences.append(f"{said} of {failing['service']}'s requests failed since then.")
    reached = [slug for ring in found.get("impact", {}).get("rings", []) for slug in ring]
    if reached and incident.service is not None:
        sentences.append(f"{_listed(reached)} depend{'s' * (len(reached) == 1)} on it.")
    return sentences


def stats_of(numbers: Sequence[int]) -> list[Stat]:
    """Of at most four series, given by id: the newest judged value against what was expected."""
    wanted = list(dict.fromkeys(numbers))[:MOST_STATS]
    found = Series.objects.filter(pk__in=wanted).select_related("service", "watch")
    series = {each.pk: each for each in found}
    newest = Q()
    for each in series.values():
        watch = getattr(each, "watch", None)
        newest |= Q(series_id=each.pk, at_ms=watch.judged_until_ms if watch else each.last_at_ms)
    points = {p.series_id: p for p in Point.objects.filter(newest)} if series else {}
    return [_stat(series[pk], points[pk]) for pk in wanted if pk in series and pk in points]


def worst_of(incident: Incident, departures: Sequence[dict[str, Any]]) -> list[Stat]:
    """For an incident that is over: how far its signals went, not where they are by now, nor where
    they were when it was looked at first."""
    anomalies = _during(incident).filter(series__in=[each["series"] for each in departures])
    rising = anomalies.select_related("series").order_by("peak_score")
    worst = {anomaly.series_id: anomaly for anomaly in rising}
    shown = [each for each in departures if each["series"] in worst][:MOST_STATS]
    return [_at_worst(each["service"], worst[each["series"]]) for each in shown]


def affected(incident: Incident) -> list[Affected]:
    """The suspected service first, then those the alerts touch, with the state they are in."""
    firing = Count("pk", filter=Q(status=Alert.Status.FIRING))
    rows = Alert.objects.filter(incident=incident, service__isnull=False).order_by()
    counts = dict(rows.values_list("service__slug").annotate(n=firing))
    return [_affected(incident, slug, counts.get(slug, 0)) for slug in case.touched(incident)]


def _what(incident: Incident) -> str:
    sure = incident.cause_confidence or 0.0
    if incident.cause and sure >= LIKELY:
        return f"{_clause(incident.cause)}."
    if incident.cause and sure >= POSSIBLE:
        return f"something is wrong, possibly because {_clause(incident.cause)}."
    many = incident.alert_count
    alerts = f"{many or 'no'} alert{'' if many < 2 else 's'} came in"
    return f"{alerts}, and the cause is not known{'' if incident.cause else ' yet'}."


def _what_was(incident: Incident) -> str:
    sure = incident.cause_confidence or 0.0
    if incident.cause and sure >= POSSIBLE:
        word = "cause" if sure >= CONFIRMED else "probable cause"
        return f"The {word} was that {_clause(incident.cause)}."
    return "The cause is not known."


def _clause(cause: str) -> str:
    """The title of a cause as part of a sentence: "checkout: DiskFull" has no verb of its own."""
    service, colon, alert = cause.partition(": ")
    if colon:
        return f"{service} shows trouble ({alert})"
    return cause if " " in cause else f"{cause} is in trouble"


def _during(incident: Incident) -> QuerySet[Anomaly]:
    onset, end = case.trusted_onset(incident), incident.resolved_at or timezone.now()
    still = Q(ended_at=None) | Q(ended_at__gte=onset)
    return Anomaly.objects.filter(still, started_at__lte=end)


def _at_worst(service: str, anomaly: Anomaly) -> Stat:
    series = anomaly.series
    return Stat(
        title=f"{service} {series_title(series.name)}, at worst",
        value=format_value(anomaly.value, series.unit),
        expected=format_range(anomaly.lower, anomaly.upper, series.unit),
        is_bad=False,
        is_learning=False,
    )


def _stat(series: Series, point: Point) -> Stat:
    is_known = point.lower is not None and point.upper is not None
    expected = format_range(point.lower or 0.0, point.upper or 0.0, series.unit)
    return Stat(
        title=f"{series.service.slug} {series_title(series.name)}",
        value=format_value(point.value, series.unit),
        expected=expected if is_known else "",
        is_bad=point.score is not None and point.score >= 1,
        is_learning=not is_known,
    )


def _affected(incident: Incident, slug: str, firing: int) -> Affected:
    if not incident.is_active or (not firing and slug != _suspect(incident)):
        return Affected(slug, "healthy", "recovered")
    if slug == _suspect(incident) and (" is down" in incident.cause or "stopped" in incident.cause):
        return Affected(slug, "down", "down")
    return Affected(slug, "degraded", f"{firing} firing" if firing else "suspected")


def _suspect(incident: Incident) -> str:
    return incident.service.slug if incident.service else ""


def _listed(slugs: list[str]) -> str:
    if len(slugs) == 1:
        return slugs[0]
    if len(slugs) > 4:
        return f"{', '.join(slugs[:3])} and {len(slugs) - 3} more"
    return f"{', '.join(slugs[:-1])} and {slugs[-1]}"
