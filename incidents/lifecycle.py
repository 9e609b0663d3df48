"""The only module that changes an incident's status, and the only one that writes its timeline.

Everything here runs under the incident's row lock, so `seq` is gap-free and in commit order.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils import timezone

from incidents.models import Incident, Severity, TimelineEntry
from incidents.signals import (
    incident_changed,
    incident_opened,
    incident_resolved,
    timeline_grew,
)

Status = Incident.Status
STEPS: dict[str, tuple[str, ...]] = {
    Status.OPEN: (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED),
    Status.INVESTIGATING: (Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED),
    Status.IDENTIFIED: (Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED),
    Status.MONITORING: (Status.INVESTIGATING, Status.IDENTIFIED, Status.RESOLVED),
    Status.RESOLVED: (Status.OPEN, Status.CLOSED),
    Status.CLOSED: (),
}


class InvalidTransition(Exception):
    """The incident cannot take this step from where it is."""


def locked(number: int) -> Incident:
    """The incident under its row lock; call inside a transaction."""
    return Incident.objects.select_for_update(of=("self",)).get(number=number)


def record(
    incident: Incident,
    kind: str,
    text: str,
    *,
    actor: str = "",
    payload: dict[str, Any] | None = None,
) -> TimelineEntry:
    """Append to the timeline. The caller holds the incident's lock."""
    incident.last_seq += 1
    incident.last_activity_at = timezone.now()
    incident.save(update_fields=["last_seq", "last_activity_at"])
    entry = incident.timeline.create(
        seq=incident.last_seq,
        at=incident.last_activity_at,
        kind=kind,
        actor=actor,
        text=text,
        payload=payload or {},
    )
    _tell(timeline_grew, number=incident.number)
    return entry


def announce(incident: Incident, kind: str) -> None:
    """Let lists and pages know, once the change is committed."""
    _tell(incident_changed, number=incident.number, kind=kind)


def open_incident(
    *,
    title: str,
    severity: Severity,
    correlation_key: str,
    onset_at: datetime,
    service_id: int | None,
    actor: str,
    text: str,
    payload: dict[str, Any] | None = None,
) -> Incident:
    """Raises `IntegrityError` when another incident is already active under the key."""
    now = timezone.now()
    incident = Incident.objects.create(
        title=title[:300],
        severity=severity,
        severity_rank=severity.rank,
        correlation_key=correlation_key,
        onset_at=min(onset_at, now),
        opened_at=now,
        last_activity_at=now,
        service_id=service_id,
    )
    record(incident, "opened", text, actor=actor, payload=payload)
    announce(incident, "opened")
    _tell(incident_opened, number=incident.number)
    return incident


@transaction.atomic
def transition(number: int, *, to: str, actor: str, reason: str = "") -> Incident:
    incident = locked(number)
    if to not in STEPS.get(incident.status, ()):
        allowed = ", ".join(STEPS[incident.status]) or "nothing"
        raise InvalidTransition(f"From {incident.status} it can go to {allowed}, not to {to}.")
    before, incident.status = incident.status, Status(to)
    _stamp(incident, timezone.now())
    _save_alone(incident)
    text = f"{_TOLD[Status(to)]}{': ' + reason if reason else ''}"
    record(incident, "status", text, actor=actor, payload={"from": before, "to": to})
    announce(incident, "status")
    if to == Status.RESOLVED:
        _tell(incident_resolved, number=incident.number)
    return incident


@transaction.atomic
def acknowledge(number: int, *, by: User) -> Incident:
    """Takes note of it; an open one is investigated from then on. Repeating is harmless."""
    incident = locked(number)
    if incident.acknowledged_at is not None:
        return incident
    if not incident.is_active:
        raise InvalidTransition(f"A {incident.status} incident needs no acknowledgement.")
    incident.acknowledged_at = timezone.now()
    incident.assignee = incident.assignee or by
    if incident.status == Status.OPEN:
        incident.status = Status.INVESTIGATING
    incident.save()
    record(incident, "acknowledged", "Acknowledged", actor=by.username)
    announce(incident, "status")
    return incident


@transaction.atomic
def assign(number: int, *, to: User | None, by: User) -> Incident:
    incident = locked(number)
    incident.assignee = to
    incident.save(update_fields=["assignee"])
    text = f"Assigned to {to.username}" if to else "Nobody is assigned any more"
    record(
        incident, "assigned", text, actor=by.username, payload={"to": to.username if to else None}
    )
    announce(incident, "assigned")
    return incident


@transaction.atomic
def comment(number: int, *, text: str, by: User) -> TimelineEntry:
    return record(locked(number), "comment", text, actor=by.username)


@transaction.atomic
def snooze(number: int, *, until: datetime | None, by: User) -> Incident:
    incident = locked(number)
    if not incident.is_active:
        raise InvalidTransition(f"A {incident.status} incident cannot be snoozed.")
    incident.snoozed_until = until
    incident.save(update_fields=["snoozed_until"])
    text = _told_until(until.astimezone(UTC)) if until else "Snooze ended"
    record(incident, "snoozed", text, actor=by.username)
    announce(incident, "snoozed")
    return incident


@transaction.atomic
def change_severity(number: int, *, to: Severity, actor: str, reason: str = "") -> Incident:
    incident = locked(number)
    if incident.severity == to:
        return incident
    before, incident.severity = incident.severity, to
    incident.severity_rank = to.rank
    incident.save(update_fields=["severity", "severity_rank"])
    text = f"Severity {before} → {to}{': ' + reason if reason else ''}"
    record(incident, "severity", text, actor=actor, payload={"from": before, "to": to})
    announce(incident, "severity")
    return incident


@transaction.atomic
def retitle(number: int, *, title: str, by: User) -> Incident:
    incident = locked(number)
    before, incident.title = incident.title, title[:300]
    incident.save(update_fields=["title"])
    record(incident, "title", f"Renamed from “{before}”", actor=by.username)
    announce(incident, "title")
    return incident


def undo_acknowledge(number: int, *, by: User) -> Incident:
    """Takes back an acknowledgement made by mistake, as if nobody had looked yet."""
    with transaction.atomic():
        incident = locked(number)
        if incident.acknowledged_at is None or incident.status not in (
            Status.OPEN,
            Status.INVESTIGATING,
        ):
            raise InvalidTransition("It has moved on since it was acknowledged.")
        incident.acknowledged_at = None
        incident.status = Status.OPEN
        incident.save(update_fields=["acknowledged_at", "status"])
        record(incident, "acknowledged", "Acknowledgement taken back", actor=by.username)
        announce(incident, "status")
    return incident


def wake_snoozed(at: datetime) -> int:
    """Ends the snoozes that are over; returns how many."""
    due = Incident.objects.active().filter(snoozed_until__lte=at).values_list("number", flat=True)
    return sum(_wake(number, at) for number in list(due))


_TOLD = {
    Status.OPEN: "Reopened",
    Status.INVESTIGATING: "Investigating",
    Status.IDENTIFIED: "Cause identified",
    Status.MONITORING: "Watching whether it holds",
    Status.RESOLVED: "Resolved",
    Status.CLOSED: "Closed",
}


@transaction.atomic
def _wake(number: int, at: datetime) -> bool:
    incident = locked(number)
    if not incident.is_active or incident.snoozed_until is None or incident.snoozed_until > at:
        return False
    incident.snoozed_until = None
    incident.save(update_fields=["snoozed_until"])
    record(incident, "snoozed", "Snooze ended", actor="clock")
    announce(incident, "snoozed")
    return True


def _told_until(until: datetime) -> str:
    return f"Snoozed until {until:%Y-%m-%d %H:%M} UTC"


def _stamp(incident: Incident, now: datetime) -> None:
    match incident.status:
        case Status.OPEN:
            incident.resolved_at = incident.closed_at = incident.acknowledged_at = None
        case Status.RESOLVED:
            incident.resolved_at, incident.snoozed_until = now, None
        case Status.CLOSED:
            incident.closed_at = now
        case Status.IDENTIFIED:
            incident.identified_at = now
        case Status.MONITORING:
            incident.monitoring_at = now


def _save_alone(incident: Incident) -> None:
    try:
        with transaction.atomic():
            incident.save()
    except IntegrityError as error:
        active = Incident.objects.active().filter(correlation_key=incident.correlation_key)
        rival = active.first() or "Another incident"
        raise InvalidTransition(f"{rival} is already open for the same trouble.") from error


def _tell(signal: Signal, **facts: Any) -> None:
    send: Callable[[], Any] = partial(signal.send, sender=Incident, **facts)
    transaction.on_commit(send)
