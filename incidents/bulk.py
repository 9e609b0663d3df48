"""One deed on every incident that matched: a committed row first, then carried out batch by batch.

A batch and how far it came are one transaction, so a worker that dies repeats nothing and forgets
nothing. What one incident refuses is kept with its reason and does not hold up the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from incidents import lifecycle, undoing
from incidents.lifecycle import InvalidTransition
from incidents.models import BulkDeed, Incident, Severity
from incidents.models.bulk import UNDO_WINDOW
from incidents.signals import incident_changed

PERMISSION = "incidents.respond_incident"
MOST = 10_000
BATCH = 25
MOST_ATTEMPTS = 5


class CannotUndo(Exception):
    """Too late, somebody else's, or nothing that can be taken back."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`told` is the past tense; `do` takes a number, what the verb needs, and who asked."""

    told: str
    do: Callable[[int, Mapping[str, Any], User], object]


def order(
    verb: str, numbers: Sequence[int], *, given: Mapping[str, Any], query: str, by: User
) -> BulkDeed:
    """Puts it down. Whoever calls rings the worker."""
    return BulkDeed.objects.create(
        verb=verb, numbers=list(numbers), given=dict(given), query=query, by=by
    )


@transaction.atomic
def order_undo(pk: int, *, by: User) -> BulkDeed:
    """Takes a finished one back where it was done. Raises `CannotUndo`."""
    deed = BulkDeed.objects.select_for_update(of=("self",)).filter(pk=pk, by=by).first()
    if deed is None:
        raise CannotUndo("Only the person who did it can take it back.")
    if not may_be_undone(deed, timezone.now()):
        raise CannotUndo("It can be taken back once, and for ten minutes only.")
    numbers = [number for number in deed.done if str(number) in deed.before]
    return BulkDeed.objects.create(verb=deed.verb, numbers=numbers, by=by, undoes=deed)


def may_be_undone(deed: BulkDeed, at: datetime) -> bool:
    if deed.finished_at is None or at - deed.finished_at > UNDO_WINDOW:
        return False
    is_undo = deed.undoes_id is not None or hasattr(deed, "undone_by")
    return not is_undo and any(str(number) in deed.before for number in deed.done)


def carry_on(pk: int) -> bool:
    """Does the next batch; says whether another one is left. To call it too often is harmless."""
    knocked = BulkDeed.objects.unfinished().filter(pk=pk, attempts__lt=MOST_ATTEMPTS)
    if not knocked.update(attempts=F("attempts") + 1):
        _give_up(pk)
        return False
    return _do_batch(pk)


def unfinished() -> list[int]:
    """Those that wait for a bell, which may have been lost."""
    return list(BulkDeed.objects.unfinished().order_by("pk").values_list("pk", flat=True))


def attempt(deed: Callable[[int], object], number: int) -> str:
    """Does it, or changes nothing and says why the incident refuses it."""
    try:
        with transaction.atomic():
            deed(number)
    except InvalidTransition as error:
        return str(error)
    except Incident.DoesNotExist:
        return "It is no longer there."
    return ""


@transaction.atomic
def _do_batch(pk: int) -> bool:
    rows = BulkDeed.objects.unfinished().select_for_update(of=("self",), skip_locked=True)
    deed = rows.select_related("by", "undoes").filter(pk=pk).first()
    if deed is None:
        return False
    if not (deed.by.is_active and deed.by.has_perm(PERMISSION)):
        return _stop(deed, f"{deed.by.username} may not work on incidents any more.")
    batch = deed.numbers[deed.position : deed.position + BATCH]
    _take_turns(deed, batch)
    deed.attempts = 0
    if deed.position >= len(deed.numbers):
        deed.finished_at = timezone.now()
    deed.save(update_fields=["position", "before", "skipped", "attempts", "finished_at"])
    _poke(batch)
    return deed.finished_at is None


def _take_turns(deed: BulkDeed, batch: Sequence[int]) -> None:
    act = _act_of(deed)
    known: dict[int, Any] = {}
    if deed.verb in undoing.UNDOABLE and deed.undoes is None:
        known = undoing.before(deed.verb, batch)
        act = undoing.noting(deed.verb, act, known)
    refusals = [(number, attempt(act, number)) for number in batch]
    deed.before |= {str(number): value for number, value in known.items()}
    deed.skipped += [(number, why) for number, why in refusals if why]
    deed.position += len(batch)


def _act_of(deed: BulkDeed) -> Callable[[int], object]:
    if deed.undoes is not None:
        before, verb = deed.undoes.before, deed.verb
        return lambda number: undoing.put_back(verb, number, before[str(number)], deed.by)
    return lambda number: KINDS[deed.verb].do(number, deed.given, deed.by)


def _give_up(pk: int) -> None:
    deed = BulkDeed.objects.unfinished().filter(pk=pk).first()
    if deed is not None:
        _stop(deed, f"A batch failed {MOST_ATTEMPTS} times; the worker's log says why.")


def _stop(deed: BulkDeed, why: str) -> bool:
    deed.stopped_because, deed.finished_at = why, timezone.now()
    deed.save(update_fields=["stopped_because", "finished_at"])
    _poke(deed.numbers[-1:])
    return False


def _poke(batch: Sequence[int]) -> None:
    """The lists are told once more at the end of a batch, all of which may have been skipped."""
    for number in batch[-1:]:
        told = partial(incident_changed.send, sender=Incident, number=number, kind="bulk")
        transaction.on_commit(told)


def _assign(number: int, given: Mapping[str, Any], by: User) -> None:
    name = given["to"]
    to = User.objects.filter(username=name, is_active=True).first() if name else None
    if name and to is None:
        raise InvalidTransition(f"There is nobody called “{name}” any more.")
    lifecycle.assign(number, to=to, by=by)


def _snooze(number: int, given: Mapping[str, Any], by: User) -> None:
    until = datetime.fromisoformat(given["until"]) if given["until"] else None
    lifecycle.snooze(number, until=until, by=by)


def _change_severity(number: int, given: Mapping[str, Any], by: User) -> None:
    to, reason = Severity(given["to"]), given["reason"]
    lifecycle.change_severity(number, to=to, actor=by.username, reason=reason)


def _resolve(number: int, given: Mapping[str, Any], by: User) -> None:
    to, reason = Incident.Status.RESOLVED, given["reason"]
    lifecycle.transition(number, to=to, actor=by.username, reason=reason)


def _comment(number: int, given: Mapping[str, Any], by: User) -> None:
    lifecycle.comment(number, text=given["text"], by=by)


KINDS = {
    "acknowledge": Kind("Acknowledged", lambda number, _, by: lifecycle.acknowledge(number, by=by)),
    "assign": Kind("Assigned", _assign),
    "snooze": Kind("Snoozed", _snooze),
    "severity": Kind("Changed the severity of", _change_severity),
    "resolve": Kind("Resolved", _resolve),
    "comment": Kind("Commented on", _comment),
}
