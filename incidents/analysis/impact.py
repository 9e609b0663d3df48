"""Whom the trouble reaches: callers of the suspected service, by hops, and what share fails."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Max, Min
from django.utils import timezone

from incidents.analysis import case
from incidents.analysis.finding import Evidence, Finding, NotEnoughData
from incidents.analysis.proportion import wilson
from incidents.analysis.series_kind import kind_of, parties_of
from incidents.models import Incident
from telemetry import topology
from telemetry.models import Point, Series, Service
from telemetry.units import format_range

LEAST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Share:
    """The share of a service's requests that failed since the onset, with its 95 % interval."""

    service: str
    share: float
    lower: float
    upper: float

    @property
    def words(self) -> str:
        interval = format_range(100 * self.lower, 100 * self.upper, "%")
        return f"{100 * self.share:.0f} % of {self.service}'s requests fail ({interval})"

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "share": round(self.share, 4),
            "lower": round(self.lower, 4),
            "upper": round(self.upper, 4),
        }


def look(incident: Incident) -> Finding:
    service = incident.service
    if service is None:
        raise NotEnoughData("No service is suspected, so nobody can be said to depend on it.")
    rings = topology.blast_radius(service.slug, case.load_edges())
    reached = case.services_by_slug({service.slug}.union(*rings))
    facing = _most_critical(reached)
    share = failing_share(facing, incident)
    return Finding(
        summary=_summary(service.slug, rings, facing, share),
        result={
            "service": service.slug,
            "rings": [sorted(ring) for ring in rings],
            "customer_facing": [s.slug for s in reached.values() if s.tier == 1],
            "failing": share.as_json() if share else None,
        },
        evidence=_evidence(service.slug, rings, share),
        confidence=incident.cause_confidence,
    )


def failing_share(service: Service, incident: Incident) -> Share | None:
    """None when there is no pair of an error and a request rate, or too little of it."""
    for errors, requests in _rate_pairs(service):
        failed, seconds = _mean_since(errors, incident)
        asked, _ = _mean_since(requests, incident)
        if asked > 0 and seconds >= LEAST_SECONDS:
            share = min(1.0, failed / asked)
            lower, upper = wilson(share * asked * seconds, asked * seconds)
            return Share(service.slug, share, lower, upper)
    return None


def _most_critical(reached: dict[str, Service]) -> Service:
    return min(reached.values(), key=lambda service: (service.tier, service.slug))


def _rate_pairs(service: Service) -> list[tuple[Series, Series]]:
    """An error rate and the rate of all requests have the same name but for that word."""
    rates = service.series.filter(unit__contains="/s")
    own = [series for series in rates if not parties_of(service.slug, series.labels)[1]]
    by_name = {(series.name, str(series.labels)): series for series in own}
    errors = [series for series in own if kind_of(series.name) == "errors"]
    twins = [
        (series, by_name.get((series.name.replace("error", "request"), str(series.labels))))
        for series in errors
    ]
    return [(series, twin) for series, twin in twins if twin is not None and twin is not series]


def _mean_since(series: Series, incident: Incident) -> tuple[float, float]:
    """The mean rate since the onset, and how many seconds it was measured."""
    start = int(case.trusted_onset(incident).timestamp() * 1000)
    end = int((incident.resolved_at or timezone.now()).timestamp() * 1000)
    points = Point.objects.filter(series_id=series.pk, at_ms__gte=start, at_ms__lte=end)
    found = points.aggregate(n=Count("at_ms"), mean=Avg("value"), a=Min("at_ms"), b=Max("at_ms"))
    return (found["mean"], (found["b"] - found["a"]) / 1000) if found["n"] else (0.0, 0.0)


def _summary(slug: str, rings: list[set[str]], facing: Service, share: Share | None) -> str:
    reach = f"Nothing known depends on {slug}."
    if rings:
        further = sum(len(ring) for ring in rings[1:])
        direct = ", ".join(sorted(rings[0])[:4])
        verb = "depends" if len(rings[0]) == 1 else "depend"
        reach = (
            f"{direct} {verb} on {slug}{f', and {further} more through them' if further else ''}."
        )
    tier = f"The most critical in reach is {facing.slug}, tier {facing.get_tier_display()}."
    failing = f"{share.words}." if share else "What share of requests fails is unknown."
    return f"{reach} {tier} {failing}"


def _evidence(slug: str, rings: list[set[str]], share: Share | None) -> list[Evidence]:
    found = [
        Evidence("topology", f"{', '.join(sorted(ring))}: {hop} call{'s' * (hop > 1)} from {slug}")
        for hop, ring in enumerate(rings, start=1)
    ]
    return [*found, Evidence("metric", share.words, 0)] if share else found
