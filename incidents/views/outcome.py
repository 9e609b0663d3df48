"""What a deed on several incidents came to, one by one, and how to take it back for ten minutes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone

from incidents import lifecycle
from incidents.lifecycle import InvalidTransition
from incidents.models import Incident

UNDO_SECONDS = 600
_SALT = "incidents.undo"


class CannotUndo(Exception):
    """Too late, somebody else's, or no such deed."""


@dataclass(slots=True)
class Outcome:
    """`done` and `refused` are incident numbers, the latter with why; `undo` is a signed token."""

    verb: str
    done: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    undo: str = ""

    @property
    def words(self) -> str:
        plural = "" if len(self.done) == 1 else "s"
        return f"{self.verb} {len(self.done)} incident{plural}"


def each(verb: str, numbers: Iterable[int], deed: Callable[[int], object]) -> Outcome:
    """Does it to one after the other; what one refuses does not hold up the others."""
    outcome = Outcome(verb)
    for number in numbers:
        try:
            deed(number)
        except InvalidTransition as error:
            outcome.refused.append((number, str(error)))
        except Incident.DoesNotExist:
            outcome.refused.append((number, "It is no longer there."))
        else:
            outcome.done.append(number)
    return outcome


def before(verb: str, numbers: list[int]) -> dict[int, Any]:
    """What has to be put back, for each incident that the deed will change."""
    rows = Incident.objects.filter(number__in=numbers)
    if verb == "acknowledge":
        fresh = rows.filter(acknowledged_at=None)
        return dict(fresh.values_list("number", "assignee"))
    if verb == "assign":
        return dict(rows.values_list("number", "assignee"))
    moments = rows.values_list("number", "snoozed_until")
    return {number: at.isoformat() if at else None for number, at in moments}


def sign(verb: str, by: User, known: dict[int, Any], done: list[int]) -> str:
    items = [(number, known[number]) for number in done if number in known]
    return signing.dumps([verb, by.pk, items], salt=_SALT, compress=True) if items else ""


def take_back(token: str, *, by: User) -> Outcome:
    """Raises `CannotUndo`."""
    try:
        verb, author, items = signing.loads(token, salt=_SALT, max_age=UNDO_SECONDS)
    except signing.BadSignature as error:
        raise CannotUndo("It can be taken back for ten minutes only.") from error
    if author != by.pk:
        raise CannotUndo("Only the person who did it can take it back.")
    known = dict(items)
    return each("Took it back for", known, lambda number: _UNDO[verb](number, known[number], by))


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


_UNDO: dict[str, Callable[[int, Any, User], None]] = {
    "acknowledge": _unacknowledge,
    "assign": _reassign,
    "snooze": _unsnooze,
}
