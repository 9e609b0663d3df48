"""Which service the trouble probably comes from.

Suspects are the services alerts name, and those around them that show symptoms. From the ones that
alert the walk goes down the calls: the deepest service in trouble outranks those above it, which
suffer. The confidence is `BASE` plus the points of the terms in `suspicion`, kept in `BOUNDS`:

| term                                                      | points         |
|-----------------------------------------------------------|----------------|
| an alert says the service itself is down; any other alert | 0.35; 0.15     |
| it stopped reporting metrics                              | 0.20           |
| its own metrics are too high; all of them are normal      | 0.15; -0.10    |
| its callers' latency or errors towards it are too high    | 0.15           |
| no dependency of it is in trouble; one is (if it is down) | 0.15; -0.25 (-0.10) |
| it had the first symptom                                  | 0.10           |
| it was changed up to 10, 30, 60 minutes before the onset  | 0.20, 0.10, 0.05 |
| the first two explain it about as well: all suspects      | -0.10          |
"""

from dataclasses import dataclass
from typing import Any

from incidents import belief
from incidents.analysis import case
from incidents.analysis.finding import (
    CONFIRMED,
    POSSIBLE,
    Evidence,
    Finding,
    NotEnoughData,
    confidence_words,
)
from incidents.analysis.suspicion import Suspect, Term, is_bad
from incidents.models import Incident
from telemetry import topology
from telemetry.topology import Edge

BASE = 0.10
BOUNDS = (0.05, 0.95)
AS_WELL = 0.05
SAME_TIME_SECONDS = 2
MOST_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A suspect with the sum of its terms."""

    suspect: Suspect
    terms: tuple[Term, ...]
    confidence: float

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.suspect.service,
            "title": self.suspect.title,
            "confidence": self.confidence,
            "evidence": [term.evidence.as_json() for term in self.terms],
            "points": [term.points for term in self.terms],
        }


def look(incident: Incident) -> Finding:
    edges = case.load_edges()
    metrics = case.found_by(incident, "enrichment")
    suspects = _suspects(incident, edges, metrics)
    if not suspects:
        raise NotEnoughData("No alert names a service, and no service shows symptoms.")
    verdicts = rank(suspects)
    first = verdicts[0]
    return Finding(
        summary=f"{first.suspect.title}. {confidence_words(first.confidence)}.",
        result={
            "candidates": [verdict.as_json() for verdict in verdicts[:MOST_CANDIDATES]],
            "method": "Symptoms and alerts along the calls, the deepest in trouble first",
            "used": ["alerts", "topology", *_used(metrics)],
            "missing": [] if metrics.get("looked") else ["metrics"],
        },
        evidence=[term.evidence for term in first.terms],
        confidence=first.confidence,
    )


def believed_fields(incident: Incident) -> dict[str, Any]:
    """What the incident says of its cause: what a person confirmed, else the likeliest that nobody
    ruled out.

    Its service stays what it was while the cause is unlikely; where people have judged, it is that
    of the first alert, since what they took back or ruled out may have put another there.
    """
    causes = belief.causes_of(incident)
    cause = belief.believed(causes)
    if cause is None:
        unknown = {"cause": "", "cause_confidence": None}
        return {**unknown, **_first_service(incident)} if causes else {}
    confidence = CONFIRMED if cause.is_confirmed else cause.found["confidence"]
    told = {"cause": cause.found["title"][:300], "cause_confidence": confidence}
    service = case.services_by_slug({cause.service}).get(cause.service)
    if service is not None and confidence >= POSSIBLE:
        return {**told, "service": service}
    return {**told, **_first_service(incident)}


def rank(suspects: list[Suspect]) -> list[Verdict]:
    """The most likely first; of equals the deepest, then the earliest.

    When two explain the trouble about as well, none of them all can be that sure.
    """
    verdicts = sorted((_judge(suspect) for suspect in suspects), key=_order)
    if len(verdicts) < 2 or verdicts[0].confidence - verdicts[1].confidence > AS_WELL:
        return verdicts
    first, second, *others = verdicts
    return [_doubt(first, second), *(_doubt(other, first) for other in [second, *others])]


def _first_service(incident: Incident) -> dict[str, Any]:
    """Nothing unless people have judged: the analysis alone never goes back."""
    if not incident.cause_labels.exists():
        return {}
    named = incident.links.exclude(alert__service=None).order_by("linked_at", "pk")
    first = named.select_related("alert__service").first()
    return {"service": first.alert.service} if first else {}


def _order(verdict: Verdict) -> tuple[float, int, int, str]:
    suspect = verdict.suspect
    first = 0 if suspect.first_offset is None else suspect.first_offset
    return (-verdict.confidence, -suspect.depth, first, suspect.service)


def _judge(suspect: Suspect) -> Verdict:
    terms = tuple(suspect.terms())
    return Verdict(suspect, terms, _sum(terms))


def _doubt(verdict: Verdict, rival: Verdict) -> Verdict:
    text = f"{rival.suspect.title} explains it about as well"
    terms = (*verdict.terms, Term(-0.10, Evidence("topology", text, against=True)))
    return Verdict(verdict.suspect, terms, _sum(terms))


def _sum(terms: tuple[Term, ...]) -> float:
    least, most = BOUNDS
    return round(min(most, max(least, BASE + sum(term.points for term in terms))), 2)


def _suspects(incident: Incident, edges: list[Edge], metrics: dict[str, Any]) -> list[Suspect]:
    found: dict[str, Suspect] = {slug: Suspect(slug) for slug in case.touched(incident)}
    for alert in case.alerts_of(incident):
        if alert.service is not None:
            suspect = found.setdefault(alert.service.slug, Suspect(alert.service.slug))
            suspect.alerts.append((alert, case.offset(incident, alert.starts_at)))
    _add_metrics(found, metrics)
    for change in metrics.get("changes", []):
        suspect = found.setdefault(change["service"], Suspect(change["service"]))
        suspect.changes.append(change)
    _place(found, edges)
    return [each for each in found.values() if each.is_suspicious or each.changes]


def _used(found: dict[str, Any]) -> list[str]:
    parts = {"metrics": "looked", "logs": "errors", "traces": "traces", "changes": "changes"}
    return [name for name, part in parts.items() if found.get(part)]


def _add_metrics(found: dict[str, Suspect], metrics: dict[str, Any]) -> None:
    for departure in filter(is_bad, metrics.get("departures", [])):
        suspect = found.setdefault(departure["service"], Suspect(departure["service"]))
        (suspect.blamed if departure["caller"] else suspect.departures).append(departure)
    for quiet in metrics.get("silent", []):
        found.setdefault(quiet["service"], Suspect(quiet["service"])).silent = quiet
    for slug, suspect in found.items():
        suspect.judged = metrics.get("looked", {}).get(slug, {}).get("judged", 0)


def _place(found: dict[str, Suspect], edges: list[Edge]) -> None:
    """Who stands below whom; services that call each other in a circle are not below each other."""
    needs = {slug: topology.dependencies(slug, edges) for slug in found}
    suspicious = {slug for slug, suspect in found.items() if suspect.is_suspicious}
    offsets = [s.first_offset for s in found.values() if s.first_offset is not None]
    for slug, suspect in found.items():
        below = {other for other in needs[slug] & suspicious if slug not in needs[other]}
        suspect.below = sorted(below)
        suspect.depth = sum(slug in needs[other] for other in suspicious)
        first = suspect.first_offset
        suspect.is_earliest = first is not None and first <= min(offsets) + SAME_TIME_SECONDS
