"""A batch of folded alerts finds its incidents: linked, counted, told, raised and resolved."""

from collections import defaultdict
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
    homeless = [item for item in folded if _needs_incident(item)]
    correlator = Correlator([item.alert for item in homeless]) if homeless else None
    for item in folded:
        if item.before is not None:
            tallies[item.before.number].firing_delta -= item.was_firing
        if correlator is not None and _needs_incident(item):
            _house(item, correlator, tallies, now)
        elif item.before is not None and item.has_fired:
            tallies[item.before.number].refired.append(item.alert)
        _tally_end(item, tallies)
    folding.save(folded)
    for number in sorted(tallies):
        _close_tally(number, tallies[number], now)


def _needs_incident(item: Folded) -> bool:
    return item.has_fired and (item.before is None or not item.before.is_active)


def _house(item: Folded, correlator: Correlator, tallies: dict[int, Tally], now: datetime) -> None:
    place = correlator.place(item.alert, now)
    if place.retired is not None:
        _retire_key(place.retired)
    incident = place.incident or _open(item.alert, place, correlator)
    item.alert.incident = incident
    tallies[incident.number].added.append((item.alert, place))


def _tally_end(item: Folded, tallies: dict[int, Tally]) -> None:
    if item.alert.incident is None:
        return
    tally = tallies[item.alert.incident.number]
    tally.firing_delta += item.is_firing
    if item.has_resolved and not item.is_firing:
        tally.resolved.append(item.alert)
    if item.is_acknowledged:
        tally.acknowledged.append(item.alert)


def _open(alert: Alert, place: Place, correlator: Correlator) -> Incident:
    """The loser of a race for the key joins the winner's incident."""
    try:
        with transaction.atomic():
            incident = lifecycle.open_incident(
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
        incident = Incident.objects.active().get(correlation_key=place.key)
    correlator.add(incident)
    return incident


def title_of(alert: Alert) -> str:
    if alert.summary:
        return alert.summary
    return f"{alert.name} on {alert.service.slug}" if alert.service else alert.name


def _retire_key(incident: Incident) -> None:
    """The rule's window has passed: the old incident stays, but new alerts open another one."""
    old = lifecycle.locked(incident.number)
    old.correlation_key = f"{old.correlation_key[:200]}#{old.number}"
    old.save(update_fields=["correlation_key"])


def _close_tally(number: int, tally: Tally, now: datetime) -> None:
    incident = lifecycle.locked(number)
    new = _link(incident, tally.added, now)
    incident.alert_count += len(new)
    incident.firing_count = max(0, incident.firing_count + tally.firing_delta)
    incident.save(update_fields=["alert_count", "firing_count"])
    _tell_added(incident, new)
    _tell_alerts(incident, tally.refired, "alert_refired", "fired again")
    _tell_alerts(incident, tally.resolved, "alert_resolved", "resolved")
    _tell_alerts(incident, tally.acknowledged, "alert_acknowledged", "acknowledged at its sender")
    _raise_severity(incident, [alert for alert, _ in tally.added] + tally.refired)
    if tally.resolved and incident.firing_count == 0 and incident.is_active:
        reason = "every alert has resolved"
        lifecycle.transition(number, to=Incident.Status.RESOLVED, actor=INTAKE, reason=reason)


def _link(
    incident: Incident, added: list[tuple[Alert, Place]], now: datetime
) -> list[tuple[Alert, Place]]:
    if not added:
        return []
    ids = dict(
        Alert.objects.filter(fingerprint__in=[a.fingerprint for a, _ in added]).values_list(
            "fingerprint", "pk"
        )
    )
    known = set(incident.links.filter(alert__in=ids.values()).values_list("alert_id", flat=True))
    new = [(alert, place) for alert, place in added if ids[alert.fingerprint] not in known]
    AlertLink.objects.bulk_create(
        AlertLink(
            incident=incident,
            alert_id=ids[alert.fingerprint],
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
    lifecycle.announce(incident, "alerts")


def _tell_alerts(incident: Incident, alerts: list[Alert], kind: str, verb: str) -> None:
    if alerts:
        payload = {"alerts": [_brief(alert) for alert in alerts[:SHOWN]], "total": len(alerts)}
        text = f"{_count_of(alerts)} {verb}"
        lifecycle.record(incident, kind, text, actor=INTAKE, payload=payload)
        lifecycle.announce(incident, "alerts")


def _brief(alert: Alert) -> dict[str, str]:
    service = alert.service.slug if alert.service else ""
    return {"name": alert.name, "severity": alert.severity, "service": service}


def _count_of(alerts: list[Alert]) -> str:
    names = [f"{a.name} on {a.service.slug}" if a.service else a.name for a in alerts[:3]]
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
