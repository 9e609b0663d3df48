"""What has to be known before a deed so that it can be taken back, and taking it back."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from incidents import lifecycle
from incidents.lifecycle import InvalidTransition
from incidents.models import Incident


def before(verb: str, numbers: Collection[int]) -> dict[int, Any]:
    """What has to be put back, as JSON, for each incident that the deed will change."""
    rows = Incident.objects.filter(number__in=numbers)
    if verb == "acknowledge":
        rows = rows.filter(acknowledged_at=None)
    return {incident.number: _state(verb, incident) for incident in rows}


def noting(
    verb: str, deed: Callable[[int], object], known: dict[int, Any]
) -> Callable[[int], object]:
    """Does it; what it made of the incident is then known, too, as a pair with what was before."""

    def do(number: int) -> None:
        deed(number)
        if number in known:
            known[number] = [known[number], _state(verb, Incident.objects.get(number=number))]

    return do


@transaction.atomic
def put_back(verb: str, number: int, known: Any, by: User) -> None:
    """Raises `InvalidTransition` when the incident has moved on since."""
    was, made = known
    if _state(verb, lifecycle.locked(number)) != made:
        raise InvalidTransition(f"It has moved on since it was {_TOLD[verb]}.")
    UNDOABLE[verb](number, was, by)


def _state(verb: str, incident: Incident) -> Any:
    if verb == "snooze":
        until = incident.snoozed_until
        return until.isoformat() if until else None
    return incident.assignee_id


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
_TOLD = {"acknowledge": "acknowledged", "assign": "assigned", "snooze": "snoozed"}
