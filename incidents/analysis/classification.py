"""What kind of trouble it is, from the alerts' words, the metrics, the topology and what is known.

Each rule gives points to a class, and the class with the most is taken. How sure that is:
0.45 for its strength, 0.30 for its lead over the second, 0.20 when two kinds of evidence agree.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from incidents import belief
from incidents.analysis import case
from incidents.analysis.finding import POSSIBLE, Evidence, Finding, confidence_words
from incidents.analysis.suspicion import is_bad
from incidents.analysis.words import kinds_in
from incidents.models import Alert, Incident, KnownFix

LEAST_POINTS = 0.30
SEEN_BEFORE = 2
BRIEF = timedelta(seconds=30)
_BY_NAME, _BY_SUMMARY, _BY_LABEL = 1.0, 0.5, 0.3
_BY_SILENCE, _BY_TOPOLOGY, _BY_CALM = 0.9, 1.0, 1.2
_OF_METRIC = {
    "latency": ("latency", 0.4),
    "errors": ("errors", 0.4),
    "resource": ("resource_exhaustion", 0.5),
    "saturation": ("saturation", 0.4),
}
_WORDS = {
    "service_down": "a service that is down",
    "resource_exhaustion": "a resource that runs out",
    "latency": "a service that is slow",
    "errors": "requests that fail",
    "saturation": "a service with more to do than it can",
    "dependency": "trouble that comes from a dependency",
    "configuration": "a wrong or expired configuration",
    "known_issue": "an issue that is known",
    "false_positive": "an alarm without trouble",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """Points for a class. Only the strongest hint of each `source` counts for it."""

    kind: str
    points: float
    source: str
    evidence: Evidence


@dataclass(slots=True)
class Tally:
    """The strongest hint of each source for one class."""

    best: dict[str, Hint] = field(default_factory=dict)

    @property
    def points(self) -> float:
        return sum(hint.points for hint in self.best.values())

    def take(self, hint: Hint) -> None:
        known = self.best.get(hint.source)
        if known is None or hint.points > known.points:
            self.best[hint.source] = hint


def look(incident: Incident) -> Finding:
    alerts = case.alerts_of(incident)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for hint in _hints(incident, alerts):
        tallies[hint.kind].take(hint)
    ranked = sorted(tallies.items(), key=lambda item: (-item[1].points, item[0]))
    if ranked and ranked[0][1].points >= LEAST_POINTS:
        return _known(ranked)
    known = _known_issue(incident, alerts)
    return known or _unknown(ranked)


def _known(ranked: list[tuple[str, Tally]]) -> Finding:
    kind, tally = ranked[0]
    second = ranked[1][1].points if len(ranked) > 1 else 0.0
    confidence = _confidence(tally, second)
    against = [hint.evidence for _, other in ranked[1:3] for hint in other.best.values()]
    return Finding(
        summary=f"Looks like {_WORDS[kind]}. {confidence_words(confidence)}.",
        result={"classification": kind, "scores": _scores(ranked)},
        evidence=[*(hint.evidence for hint in tally.best.values()), *map(_turned, against)],
        confidence=confidence,
        incident_fields={"classification": kind},
    )


def _confidence(tally: Tally, second: float) -> float:
    strength = min(1.0, tally.points)
    lead = max(0.0, tally.points - second) / tally.points
    agrees = len({hint.evidence.kind for hint in tally.best.values()}) > 1
    return round(0.45 * strength + 0.30 * lead + 0.20 * agrees, 2)


def _turned(evidence: Evidence) -> Evidence:
    return Evidence(
        evidence.kind, evidence.text, evidence.at_offset_seconds, against=True, url=evidence.url
    )


def _scores(ranked: list[tuple[str, Tally]]) -> dict[str, float]:
    return {kind: round(tally.points, 2) for kind, tally in ranked}


def _unknown(ranked: list[tuple[str, Tally]]) -> Finding:
    return Finding(
        summary="Neither alerts nor metrics tell what kind of trouble this is.",
        result={"classification": "unknown", "scores": _scores(ranked)},
        incident_fields={"classification": "unknown"},
    )


def _hints(incident: Incident, alerts: list[Alert]) -> Iterator[Hint]:
    metrics = case.found_by(incident, "enrichment")
    cause = belief.believed(belief.causes_of(incident))
    suspect = cause.service if cause else ""
    for alert in alerts:
        is_near = not suspect or alert.service is None or alert.service.slug == suspect
        hints = _hints_of_alert(alert, case.offset(incident, alert.starts_at))
        yield from hints if is_near else map(_halved, hints)
    yield from _hints_of_metrics(metrics, suspect)
    if cause is not None and suspect not in _silent(metrics):
        yield from _hints_of_topology(alerts, cause.found)
    if metrics:
        yield from _hints_of_calm(alerts, metrics)


def _silent(metrics: dict[str, Any]) -> set[str]:
    return {quiet["service"] for quiet in metrics.get("silent", [])}


def _halved(hint: Hint) -> Hint:
    """What is said about another service than the suspected one may be an effect."""
    return replace(hint, points=hint.points / 2)


def _hints_of_alert(alert: Alert, at: int) -> Iterator[Hint]:
    labels = " ".join(str(value) for key, value in alert.labels.items() if key != "alertname")
    sources = (
        ("name", _BY_NAME, alert.name),
        ("summary", _BY_SUMMARY, alert.summary),
        ("labels", _BY_LABEL, labels),
    )
    for source, points, text in sources:
        for kind, words in kinds_in(text).items():
            said = f"{alert.name}: its {source} {'say' if source == 'labels' else 'says'} “{words}”"
            yield Hint(kind, points, source, Evidence("alert", said, at, url=alert.url))


def _hints_of_metrics(metrics: dict[str, Any], suspect: str) -> Iterator[Hint]:
    """What the suspected service measures, and its callers about it; of others half of that."""
    for departure in filter(is_bad, metrics.get("departures", [])):
        kind, points = _OF_METRIC.get(departure["kind"], ("", 0.0))
        if kind:
            evidence = Evidence("metric", departure["text"], departure["offset_seconds"])
            hint = Hint(kind, points, "metric", evidence)
            yield hint if departure["service"] == suspect else _halved(hint)
    for quiet in metrics.get("silent", []):
        text = f"{quiet['service']} sent no metrics for {quiet['quiet_seconds']} s"
        evidence = Evidence("metric", text, quiet["offset_seconds"])
        hint = Hint("service_down", _BY_SILENCE, "silence", evidence)
        yield hint if quiet["service"] == suspect else _halved(hint)


def _hints_of_topology(alerts: list[Alert], cause: dict[str, Any]) -> Iterator[Hint]:
    alerting = {alert.service.slug for alert in alerts if alert.service is not None}
    if alerting and cause["service"] not in alerting and cause["confidence"] >= POSSIBLE:
        text = f"The suspected cause, {cause['service']}, is not among the services that alert"
        yield Hint("dependency", _BY_TOPOLOGY, "topology", Evidence("topology", text))


def _hints_of_calm(alerts: list[Alert], metrics: dict[str, Any]) -> Iterator[Hint]:
    is_calm = not metrics["departures"] and not metrics["silent"] and not metrics["error_rises"]
    judged = sum(counts["judged"] for counts in metrics["looked"].values())
    if alerts and is_calm and judged and all(_is_fickle(alert) for alert in alerts):
        text = f"Every alert came and went by itself while {judged} metrics stayed as expected"
        yield Hint("false_positive", _BY_CALM, "calm", Evidence("alert", text))


def _is_fickle(alert: Alert) -> bool:
    """It flaps, or has repeatedly ended within seconds of its start."""
    if alert.is_flapping:
        return True
    is_brief = alert.ends_at is not None and alert.ends_at - alert.starts_at < BRIEF
    episodes = alert.fold.get("episode_count", 0)
    return is_brief and alert.status == Alert.Status.RESOLVED and episodes > 1


def _known_issue(incident: Incident, alerts: list[Alert]) -> Finding | None:
    """Only when nothing tells the kind: what is known must not hide what is seen.

    Exactly the same alert on the same service was healed by the same runbook, verified twice.
    """
    pairs = {(alert.name, alert.service_id) for alert in alerts if alert.service_id}
    fixes = KnownFix.objects.seen_with(
        alert_names={name for name, _ in pairs}, service_ids={service for _, service in pairs}
    ).filter(successes__gte=SEEN_BEFORE)
    fix = next((fix for fix in fixes if (fix.alert_name, fix.service_id) in pairs), None)
    if fix is None:
        return None
    tried = fix.successes + fix.failures
    text = f"{fix.runbook} healed {fix.alert_name} on this service {fix.successes} of {tried} times"
    confidence = round(0.40 + 0.40 * fix.successes / (tried + 1), 2)
    return Finding(
        summary=f"Looks like {_WORDS['known_issue']}. {confidence_words(confidence)}.",
        result={"classification": "known_issue", "scores": {}, "runbook": fix.runbook},
        evidence=[Evidence("article", text)],
        confidence=confidence,
        incident_fields={"classification": "known_issue"},
    )
