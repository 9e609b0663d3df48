"""Where an incident stands between open and resolved, and what it can do next."""

from dataclasses import dataclass
from datetime import datetime

from incidents.models import Incident

Status = Incident.Status


@dataclass(frozen=True, slots=True)
class Step:
    status: str
    at: datetime | None
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Next:
    """The one button that moves it on; `to` is empty for acknowledging."""

    text: str
    to: str


def steps_of(incident: Incident) -> list[Step]:
    order = [*Incident.ACTIVE, Status.RESOLVED]
    at = order.index(Status(incident.status)) if incident.status in order else len(order)
    moments = {
        Status.OPEN: incident.opened_at,
        Status.INVESTIGATING: incident.acknowledged_at,
        Status.IDENTIFIED: incident.identified_at,
        Status.MONITORING: incident.monitoring_at,
        Status.RESOLVED: incident.resolved_at,
    }
    return [
        Step(str(status), moments[status] if index <= at else None, index < at, index == at)
        for index, status in enumerate(order)
    ]


def next_of(incident: Incident) -> Next | None:
    if incident.is_active and incident.acknowledged_at is None:
        return Next("Acknowledge", "")
    return {
        Status.OPEN: Next("Investigate", Status.INVESTIGATING),
        Status.INVESTIGATING: Next("Mark identified", Status.IDENTIFIED),
        Status.IDENTIFIED: Next("Mark monitoring", Status.MONITORING),
        Status.MONITORING: Next("Resolve", Status.RESOLVED),
        Status.RESOLVED: Next("Close", Status.CLOSED),
    }.get(Status(incident.status))


def seconds_until(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds()
