"""A person corrects what correlation grouped: merge, split, move. Each is kept to learn from."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from incidents import lifecycle
from incidents.lifecycle import InvalidTransition, locked
from incidents.models import Alert, AlertLink, CorrelationLabel, Incident, Severity

Verb = CorrelationLabel.Verb


@transaction.atomic
def merge(source: int, *, into: int, by: User) -> Incident:
    """Moves every alert of `source` to `into`; `source` is resolved and points there."""
    if source == into:
        raise InvalidTransition("An incident cannot be merged into itself.")
    alerts = _lock_alerts(Alert.objects.filter(incident_id=source))
    first, second = sorted((source, into))
    incidents = {first: locked(first), second: locked(second)}
    from_incident, to_incident = incidents[source], incidents[into]
    _demand_active(to_incident)
    _demand_active(from_incident)
    _carry(alerts, from_incident, to_incident, by=by, verb=Verb.MERGE)
    from_incident.merged_into = to_incident
    from_incident.save(update_fields=["merged_into"])
    CorrelationLabel.objects.create(
        verb=Verb.MERGE, source=from_incident, target=to_incident, by=by
    )
    text = f"Merged into INC-{into}"
    lifecycle.transition(source, to=Incident.Status.RESOLVED, actor=by.username, reason=text)
    return to_incident


@transaction.atomic
def move(alert_ids: Iterable[int], *, source: int, into: int, by: User) -> Incident:
    """Moves some alerts of `source` to another incident."""
    alerts = _lock_alerts(Alert.objects.filter(incident_id=source, pk__in=list(alert_ids)))
    if not alerts:
        raise InvalidTransition(f"None of these alerts belongs to INC-{source}.")
    first, second = sorted((source, into))
    incidents = {first: locked(first), second: locked(second)}
    _demand_active(incidents[into])
    _carry(alerts, incidents[source], incidents[into], by=by, verb=Verb.MOVE)
    return incidents[into]


@transaction.atomic
def split(alert_ids: Iterable[int], *, source: int, by: User) -> Incident:
    """Takes some alerts of `source` into a new incident of their own."""
    alerts = _lock_alerts(Alert.objects.filter(incident_id=source, pk__in=list(alert_ids)))
    from_incident = locked(source)
    if not alerts or len(alerts) >= from_incident.alert_count:
        raise InvalidTransition("Choose some of the alerts, not none and not all.")
    lead = min(alerts, key=lambda alert: Severity(alert.severity).rank)
    incident = lifecycle.open_incident(
        title=lead.summary or lead.name,
        severity=Severity(lead.severity),
        correlation_key=f"split:{source}:{timezone.now().timestamp()}",
        onset_at=min(alert.starts_at for alert in alerts),
        service_id=lead.service_id,
        actor=by.username,
        text=f"Split from INC-{source}",
        payload={"from": source},
    )
    _carry(alerts, from_incident, incident, by=by, verb=Verb.SPLIT)
    return incident


def _lock_alerts(alerts: QuerySet[Alert]) -> list[Alert]:
    """In fingerprint order, as intake locks them, so that the two cannot deadlock."""
    rows = alerts.order_by("fingerprint").select_for_update(of=("self",))
    return list(rows.select_related("service"))


def _carry(
    alerts: list[Alert], source: Incident, target: Incident, *, by: User, verb: Verb
) -> None:
    now = timezone.now()
    ids = [alert.pk for alert in alerts]
    Alert.objects.filter(pk__in=ids).update(incident=target)
    AlertLink.objects.filter(incident=source, alert__in=ids).delete()
    was_here_before, _ = AlertLink.objects.filter(incident=target, alert__in=ids).delete()
    AlertLink.objects.bulk_create(
        _link(alert, target, by=by, verb=verb, source=source, at=now) for alert in alerts
    )
    if verb != Verb.MERGE:
        CorrelationLabel.objects.bulk_create(
            CorrelationLabel(verb=verb, alert=alert, source=source, target=target, by=by)
            for alert in alerts
        )
    firing = sum(alert.status == Alert.Status.FIRING for alert in alerts)
    _count(source, -len(alerts), -firing)
    _count(target, len(alerts) - was_here_before, firing)
    target.services.add(*{alert.service_id for alert in alerts if alert.service_id})
    words = _words(alerts)
    payload = {"alerts": ids[:50]}
    lifecycle.record(
        source, verb, f"{words} moved to INC-{target.number}", actor=by.username, payload=payload
    )
    lifecycle.record(
        target, verb, f"{words} taken from INC-{source.number}", actor=by.username, payload=payload
    )
    lifecycle.announce(source, verb)
    lifecycle.announce(target, verb)


def _link(
    alert: Alert, target: Incident, *, by: User, verb: Verb, source: Incident, at: datetime
) -> AlertLink:
    return AlertLink(
        incident=target,
        alert=alert,
        method=AlertLink.Method.PERSON,
        text=f"{by.username} moved it here from INC-{source.number} ({verb}).",
        evidence={"by": by.username, "from": source.number, "verb": verb},
        linked_at=at,
    )


def _count(incident: Incident, alerts: int, firing: int) -> None:
    incident.alert_count += alerts
    incident.firing_count += firing
    incident.save(update_fields=["alert_count", "firing_count"])


def _words(alerts: list[Alert]) -> str:
    names = sorted({alert.name for alert in alerts})
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(alerts)} alert{'s' if len(alerts) > 1 else ''} ({shown})"


def _demand_active(incident: Incident) -> None:
    if not incident.is_active:
        raise InvalidTransition(f"INC-{incident.number} is {incident.status}; reopen it first.")
