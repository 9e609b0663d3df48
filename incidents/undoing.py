"""What has to be known before a deed so that it can be taken back, and taking it back."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Incident


def before(verb: str, numbers: Collection[int]) -> dict[int, Any]:
    """What has to be put back, as JSON, for each incident that the deed will change."""
    rows = Incident.objects.filter(number__in=numbers)
    if verb == "acknowledge":
        return dict(rows.filter(acknowledged_at=None).values_list("number", "assignee"))
    if verb == "assign":
        return dict(rows.values_list("number", "assignee"))
    moments = rows.values_list("number", "snoozed_until")
    return {number: at.isoformat() if at else None for number, at in moments}


def put_back(verb: str, number: int, known: Any, by: User) -> None:
    """Raises `InvalidTransition` when the incident has moved on since."""
    UNDOABLE[verb](number, known, by)


def _unacknowledge(number: int, assignee: int | None, by: User) -> None:
    incident = lifecycle.undo_acknowledge(number, by=by)
    if incident.assignee_id != assignee:
        _reassign(number, assignee, by)


def _reassign(number: int, assignee: int | None, by: User) -> None:
    to = User.objects.filter(pk=assignee).first() if assignee else None
    lifecycle.assign(number, to=to, by=by)


def _unsnooze(number: int, until: str | None, by: User) -> None:
    at = datetime.fromisoformat(until) if until else None
    past = at is not None and at <= timezone.now()
    lifecycle.snooze(number, until=None if past else at, by=by)


UNDOABLE: dict[str, Callable[[int, Any, User], None]] = {
    "acknowledge": _unacknowledge,
    "assign": _reassign,
    "snooze": _unsnooze,
}
