"""A batch of folded alerts finds its incidents: linked, counted, told, raised and resolved."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from incidents import folding, lifecycle
from incidents.correlation import Correlator, Place
from incidents.folding import Folded
from incidents.models import Alert, AlertLink, Incident, Severity, worst

SHOWN = 20
INTAKE = "intake"


@dataclass
class Tally:
    """What the batch means for one incident."""

    added: list[tuple[Alert, Place]] = field(default_factory=list)
    refired: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    acknowledged: list[Alert] = field(default_factory=list)
    firing_delta: int = 0


def settle(folded: list[Folded]) -> None:
    """Inside the batch's transaction: saves the alerts and all that follows from them."""
    now = timezone.now()
    tallies: dict[int, Tally] = defaultdict(Tally)
    correlator, incidents = _lock_incidents(folded)
    for item in folded:
        if item.before is not None:
            tallies[item.before].firing_delta -= item.was_firing
            if item.has_fired and incidents[item.before].is_active:
                tallies[item.before].refired.append(item.alert)
    for item in _homeless(folded, incidents):
        incident, place = _house(item.alert, correlator, now)
        incidents.setdefault(incident.number, incident)
        item.alert.incident = incident
        tallies[incident.number].added.append((item.alert, place))
    for item in folded:
        _tally_end(item, tallies)
    folding.save(folded)
    for number in sorted(tallies):
        _close_tally(incidents[number], tallies[number], now)


def _lock_incidents(folded: list[Folded]) -> tuple[Correlator, dict[int, Incident]]:
    """All that the batch may touch, in one order, so that nobody resolves one meanwhile."""
    correlator = Correlator([item.alert for item in folded if item.has_fired])
    numbers = correlator.numbers() | {item.before for item in folded if item.before}
    rows = Incident.objects.select_for_update(of=("self",)).filter(number__in=numbers)
    incidents = {incident.number: incident for incident in rows.order_by("number")}
    correlator.keep(incidents)
    return correlator, incidents


def _homeless(folded: list[Folded], incidents: Mapping[int, Incident]) -> list[Folded]:
    """In an order of their own that is the same for everybody who opens incidents."""
    found = [
        item
        for item in folded
        if item.has_fired and (item.before is None or not incidents[item.before].is_active)
    ]
    return sorted(found, key=lambda item: (item.alert.service_id or 0, item.alert.fingerprint))


def _house(alert: Alert, correlator: Correlator, now: datetime) -> tuple[Incident, Place]:
    place = correlator.place(alert, now)
    if place.retired is not None:
        _retire_key(place.retired)
    if place.incident is not None:
        return place.incident, place
    incident = _open(alert, place)
    if incident is not None:
        correlator.add(incident)
        return incident, place
    active = Incident.objects.active().select_for_update(of=("self",))
    for winner in active.filter(correlation_key=place.key):
        correlator.add(winner)
    return _house(alert, correlator, now)


def _tally_end(item: Folded, tallies: dict[int, Tally]) -> None:
    if item.alert.incident_id is None:
        return
    tally = tallies[item.alert.incident_id]
    tally.firing_delta += item.is_firing
    if item.has_resolved and not item.is_firing:
        tally.resolved.append(item.alert)
    if item.is_acknowledged:
        tally.acknowledged.append(item.alert)


def _open(alert: Alert, place: Place) -> Incident | None:
    """None when somebody else has just opened one under the key."""
    try:
        with transaction.atomic():
            return lifecycle.open_incident(
                title=title_of(alert),
                severity=Severity(alert.severity),
                correlation_key=place.key,
                onset_at=alert.starts_at,
                service_id=alert.service_id,
                actor=INTAKE,
                text=f"Opened as {alert.severity} from {alert.name}",
                payload={"alert": alert.pk, "method": place.method},
            )
    except IntegrityError:
        return None


def title_of(alert: Alert) -> str:
    if alert.summary:
        return alert.summary
    return f"{alert.name} on {alert.service.title}" if alert.service else alert.name


def _retire_key(incident: Incident) -> None:
    """The rule's window has passed: the old incident stays, but new alerts open another one."""
    old = lifecycle.locked(incident.number)
    old.correlation_key = f"{old.correlation_key[:200]}#{old.number}"
    old.save(update_fields=["correlation_key"])


def _close_tally(incident: Incident, tally: Tally, now: datetime) -> None:
    new = _link(incident, tally.added, now)
    incident.alert_count += len(new)
    incident.firing_count = max(0, incident.firing_count + tally.firing_delta)
    incident.save(update_fields=["alert_count", "firing_count"])
    _tell_added(incident, new)
    _tell_alerts(incident, tally.refired, "alert_refired", "fired again")
    _tell_alerts(incident, tally.resolved, "alert_resolved", "resolved")
    _tell_alerts(incident, tally.acknowledged, "alert_acknowledged", "acknowledged at its sender")
    if new or tally.refired or tally.resolved or tally.acknowledged:
        lifecycle.announce(incident, "alerts")
    _raise_severity(incident, [alert for alert, _ in tally.added] + tally.refired)
    if tally.resolved and incident.firing_count == 0 and incident.is_active:
        reason = "every alert has resolved"
        lifecycle.transition(
            incident.number, to=Incident.Status.RESOLVED, actor=INTAKE, reason=reason
        )


def _link(
    incident: Incident, added: list[tuple[Alert, Place]], now: datetime
) -> list[tuple[Alert, Place]]:
    if not added:
        return []
    ids = [alert.pk for alert, _ in added]
    known = set(incident.links.filter(alert__in=ids).values_list("alert_id", flat=True))
    new = [(alert, place) for alert, place in added if alert.pk not in known]
    AlertLink.objects.bulk_create(
        AlertLink(
            incident=incident,
            alert=alert,
            method=place.method,
            text=place.text,
            evidence=place.evidence,
            linked_at=now,
        )
        for alert, place in new
    )
    services = {alert.service_id for alert, _ in new if alert.service_id}
    if services:
        incident.services.add(*services)
    return new


def _tell_added(incident: Incident, new: list[tuple[Alert, Place]]) -> None:
    if not new:
        return
    text = new[0][1].text if len(new) == 1 else ""
    alerts = [_brief(alert) | {"why": place.text} for alert, place in new[:SHOWN]]
    words = _count_of([alert for alert, _ in new])
    payload = {"alerts": alerts, "total": len(new)}
    told = f"{words} added. {text}".strip()
    lifecycle.record(incident, "alert_added", told, actor="correlation", payload=payload)


def _tell_alerts(incident: Incident, alerts: list[Alert], kind: str, verb: str) -> None:
    if alerts:
        payload = {"alerts": [_brief(alert) for alert in alerts[:SHOWN]], "total": len(alerts)}
        text = f"{_count_of(alerts)} {verb}"
        lifecycle.record(incident, kind, text, actor=INTAKE, payload=payload)


def _brief(alert: Alert) -> dict[str, str]:
    service = alert.service.slug if alert.service else ""
    return {"name": alert.name, "severity": alert.severity, "service": service}


def _count_of(alerts: list[Alert]) -> str:
    names = [f"{a.name} on {a.service.title}" if a.service else a.name for a in alerts[:3]]
    if len(alerts) == 1:
        return names[0]
    return f"{len(alerts)} alerts ({', '.join(names)}{', …' if len(alerts) > 3 else ''})"


def _raise_severity(incident: Incident, alerts: list[Alert]) -> None:
    if not alerts or not incident.is_active:
        return
    severity = worst([alert.severity for alert in alerts])
    if severity.rank < incident.severity_rank:
        reason = f"{alerts[0].name} is {severity}"
        lifecycle.change_severity(incident.number, to=severity, actor=INTAKE, reason=reason)
