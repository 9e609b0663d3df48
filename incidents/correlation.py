"""Which incident an alert belongs to: rules first, then the service, then its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from incidents import matchers
from incidents.models import Alert, AlertLink, CorrelationRule, Incident
from telemetry.models import Dependency

NEIGHBOUR_WINDOW = timedelta(seconds=120)
Method = AlertLink.Method


@dataclass(frozen=True)
class Rule:
    """A correlation rule with its matchers parsed."""

    id: int
    name: str
    matchers: tuple[matchers.Matcher, ...]
    group_by: tuple[str, ...]
    window: timedelta

    def key(self, labels: dict[str, str]) -> str | None:
        """The key under which such alerts meet; None when the rule does not apply."""
        if not all(labels.get(name) for name in self.group_by):
            return None
        if not matchers.matches_all(self.matchers, labels):
            return None
        return f"rule:{self.id}:" + ",".join(labels[name] for name in self.group_by)[:200]


@dataclass(frozen=True)
class Place:
    """Where an alert goes. `incident` is None when a new one has to be opened under `key`."""

    key: str
    incident: Incident | None
    method: str
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)
    retired: Incident | None = None


class Correlator:
    """The rules and the active incidents as one batch sees them; incidents it opens are added.

    Reading them once a batch keeps a storm at a handful of queries.
    """

    def __init__(self, alerts: list[Alert]) -> None:
        self.rules = load_rules()
        services = {alert.service_id for alert in alerts if alert.service_id}
        self.neighbours = _neighbours(services)
        wanted = services | {n for near in self.neighbours.values() for n in near}
        keys = {key for alert in alerts for key in self._keys(alert)}
        self.by_key = {i.correlation_key: i for i in _active().filter(correlation_key__in=keys)}
        self.by_service: dict[int, Incident] = {}
        for incident in _active().filter(service_id__in=wanted).order_by("-number"):
            self.by_service.setdefault(incident.service_id or 0, incident)

    def numbers(self) -> set[int]:
        """The incidents that may be chosen."""
        return {i.number for i in (*self.by_key.values(), *self.by_service.values())}

    def keep(self, locked: Mapping[int, Incident]) -> None:
        """From now on the locked rows count; what ended before the lock is no choice any more."""
        active = {number: i for number, i in locked.items() if i.is_active}
        self.by_key = {
            key: active[i.number]
            for key, i in self.by_key.items()
            if i.number in active and active[i.number].correlation_key == key
        }
        self.by_service = {
            service: active[i.number]
            for service, i in self.by_service.items()
            if i.number in active
        }

    def add(self, incident: Incident) -> None:
        self.by_key[incident.correlation_key] = incident
        if incident.service_id:
            self.by_service[incident.service_id] = incident

    def place(self, alert: Alert, at: datetime) -> Place:
        return (
            self._by_rule(alert, at)
            or self._by_service(alert)
            or self._by_neighbour(alert, at)
            or (Place(_own_key(alert), None, Method.FIRST, "First alert of this incident."))
        )

    def _keys(self, alert: Alert) -> list[str]:
        keys = [key for rule in self.rules if (key := rule.key(alert.labels))]
        return [*keys[:1], _own_key(alert)]

    def _by_rule(self, alert: Alert, at: datetime) -> Place | None:
        for rule in self.rules:
            key = rule.key(alert.labels)
            if key is None:
                continue
            agreed = {name: alert.labels[name] for name in rule.group_by}
            evidence = {"rule": rule.name, "labels": agreed}
            incident = self.by_key.get(key)
            if incident is None:
                return Place(
                    key, None, Method.RULE, f"First alert under the rule {rule.name}.", evidence
                )
            if at - incident.last_activity_at > rule.window:
                text = f"First alert under the rule {rule.name} since its window passed."
                return Place(key, None, Method.RULE, text, evidence, retired=incident)
            words = ", ".join(f"{name}={value}" for name, value in agreed.items())
            return Place(key, incident, Method.RULE, f"Rule {rule.name}: same {words}.", evidence)
        return None

    def _by_service(self, alert: Alert) -> Place | None:
        incident = self.by_key.get(_own_key(alert)) or self.by_service.get(alert.service_id or 0)
        if incident is None:
            return None
        text = (
            f"Same service, {alert.labels.get('service', alert.name)}, while the incident is open."
        )
        return Place(
            _own_key(alert), incident, Method.SERVICE, text, {"service_id": alert.service_id}
        )

    def _by_neighbour(self, alert: Alert, at: datetime) -> Place | None:
        for neighbour, words in self.neighbours.get(alert.service_id or 0, {}).items():
            incident = self.by_service.get(neighbour)
            if incident is None or at - incident.last_activity_at > NEIGHBOUR_WINDOW:
                continue
            apart = max(0, round((alert.starts_at - incident.onset_at).total_seconds()))
            text = f"{words}, and its alert came {apart} s after the first."
            evidence = {"edge": words, "seconds_apart": apart}
            return Place(_own_key(alert), incident, Method.TOPOLOGY, text, evidence)
        return None


def load_rules() -> list[Rule]:
    return [
        Rule(
            id=rule.pk,
            name=rule.name,
            matchers=tuple(matchers.parse_matcher(text) for text in rule.matchers),
            group_by=tuple(rule.group_by),
            window=timedelta(seconds=rule.window_seconds),
        )
        for rule in CorrelationRule.objects.filter(is_enabled=True)
    ]


def _active() -> Any:
    return Incident.objects.active().select_related("service")


def _own_key(alert: Alert) -> str:
    return f"service:{alert.service_id}" if alert.service_id else f"alert:{alert.fingerprint}"


def _neighbours(services: set[int]) -> dict[int, dict[int, str]]:
    """For each service: who stands next to it, with the edge in words."""
    near: dict[int, dict[int, str]] = {service: {} for service in services}
    touching = Q(caller__in=services) | Q(callee__in=services)
    for edge in Dependency.objects.filter(touching).select_related("caller", "callee"):
        words = f"{edge.caller.slug} depends on {edge.callee.slug}"
        if edge.caller_id in near:
            near[edge.caller_id][edge.callee_id] = words
        if edge.callee_id in near:
            near[edge.callee_id][edge.caller_id] = words
    return near
