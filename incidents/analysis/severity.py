"""How grave it is, from 0 to 100. It only suggests: a person or an alert changes the severity."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import Any

from incidents.analysis import case
from incidents.analysis.finding import Evidence, Finding
from incidents.models import Alert, Incident, Severity, worst

_OF_TIER = {1: 25, 2: 18, 3: 10, 4: 4}
_OF_SEVERITY = {"critical": 35, "high": 25, "medium": 15, "low": 7, "info": 2}
_FROM = ((75, Severity.CRITICAL), (55, Severity.HIGH), (35, Severity.MEDIUM), (15, Severity.LOW))
_A_SERVICE, _MOST_SPREAD = 5, 15
_MOST_FIRING, _MOST_ANOMALY = 10, 15


@dataclass(frozen=True, slots=True)
class Term:
    """Part of the score, out of `most`, and why."""

    name: str
    points: int
    most: int
    evidence: Evidence

    def as_json(self) -> dict[str, Any]:
        why = self.evidence.text
        return {"name": self.name, "points": self.points, "most": self.most, "why": why}


def look(incident: Incident) -> Finding:
    terms = list(_terms(incident))
    score = sum(term.points for term in terms)
    suggested = suggest(score)
    now = "as it is" if suggested == incident.severity else f"it is {incident.severity}"
    return Finding(
        summary=f"{score} of 100, which suggests {suggested}; {now}.",
        result={
            "score": score,
            "suggested": str(suggested),
            "symptoms": case.symptoms(incident),
            "terms": [term.as_json() for term in terms],
        },
        evidence=[term.evidence for term in terms],
    )


def suggest(score: int) -> Severity:
    return next((severity for least, severity in _FROM if score >= least), Severity.INFO)


def _terms(incident: Incident) -> Iterator[Term]:
    alerts = case.alerts_of(incident)
    slugs = set(case.touched(incident))
    yield _of_tier(slugs)
    yield _of_alerts(incident, alerts)
    yield _of_spread(slugs)
    yield _of_firing(alerts)
    yield _of_anomaly(case.found_by(incident, "enrichment"))


def _of_tier(slugs: set[str]) -> Term:
    services = sorted(case.services_by_slug(slugs).values(), key=lambda s: (s.tier, s.slug))
    if not services:
        return Term("tier", 10, 25, Evidence("topology", "No service is known, so none is spared"))
    text = f"{services[0].slug} is of tier {services[0].get_tier_display()}"
    return Term("tier", _OF_TIER[services[0].tier], 25, Evidence("topology", text))


def _of_alerts(incident: Incident, alerts: list[Alert]) -> Term:
    severity = worst([alert.severity for alert in alerts] or [incident.severity])
    evidence = Evidence("alert", f"The worst alert is {severity}")
    return Term("severity", _OF_SEVERITY[severity], 35, evidence)


def _of_spread(slugs: set[str]) -> Term:
    points = min(_MOST_SPREAD, _A_SERVICE * len(slugs))
    text = f"{len(slugs)} service{'' if len(slugs) == 1 else 's'} affected"
    return Term("spread", points, _MOST_SPREAD, Evidence("topology", text))


def _of_firing(alerts: list[Alert]) -> Term:
    firing = sum(alert.status == Alert.Status.FIRING for alert in alerts)
    points = round(_MOST_FIRING * firing / len(alerts)) if alerts else 0
    evidence = Evidence("alert", f"{firing} of {len(alerts)} alerts are firing")
    return Term("firing", points, _MOST_FIRING, evidence)


def _of_anomaly(metrics: dict[str, Any]) -> Term:
    """Twice as far from what is expected is 5 points more."""
    departures = metrics.get("departures", [])
    if not departures:
        missing = (
            "No metric left its expected band" if metrics.get("looked") else "No metrics to judge"
        )
        return Term("anomaly", 0, _MOST_ANOMALY, Evidence("metric", missing))
    peak = departures[0]
    points = min(_MOST_ANOMALY, round(5 * log2(1 + peak["peak_score"])))
    evidence = Evidence("metric", peak["text"], peak["offset_seconds"])
    return Term("anomaly", points, _MOST_ANOMALY, evidence)
