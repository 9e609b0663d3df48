"""What a responder does to incidents, by the name of the button; the same for one and for many."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils import timezone

from incidents import grouping, lifecycle, pinning
from incidents.models import Incident, Severity
from incidents.views import outcome
from incidents.views.outcome import Outcome

LONGEST_SNOOZE = timedelta(days=7)
LONGEST_NOTE = 10_000
UNDOABLE = ("acknowledge", "assign", "snooze")


class UnknownDeed(Exception):
    """The form asks for something there is not, or leaves out what it needs."""


@dataclass(frozen=True, slots=True)
class Deed:
    """`told` is the past tense for the outcome; `make` reads the form, and tells what to do."""

    told: str
    make: Callable[[QueryDict, User, list[int]], Callable[[int], object]]


def do(verb: str, numbers: list[int], form: QueryDict, by: User) -> Outcome:
    """Raises `UnknownDeed`; what an incident refuses is in the outcome."""
    deed = DEEDS.get(verb)
    if deed is None:
        raise UnknownDeed(f"There is no “{verb}”.")
    known = outcome.before(verb, numbers) if verb in UNDOABLE else {}
    act = outcome.noting(verb, deed.make(form, by, numbers), known)
    result = outcome.each(deed.told, numbers, act)
    if known:
        result.undo = outcome.sign(verb, by, known, result.done)
    return result


def snoozed_until(form: QueryDict) -> datetime | None:
    """In `seconds`, 0 being no longer; else at `until`, in UTC unless it names another zone.

    Raises `UnknownDeed`.
    """
    if seconds := form.get("seconds", ""):
        return _in(seconds)
    try:
        said = datetime.fromisoformat(form.get("until", ""))
    except ValueError as error:
        raise UnknownDeed("Say for how long to snooze.") from error
    return _to_come(said if said.tzinfo else said.replace(tzinfo=UTC))


def note_of(form: QueryDict) -> str:
    """Raises `UnknownDeed`."""
    text = form.get("text", "").strip()[:LONGEST_NOTE]
    if not text:
        raise UnknownDeed("A comment needs words.")
    return text


def _acknowledge(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    return lambda number: lifecycle.acknowledge(number, by=by)


def _assign(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    to = _person(form.get("assignee", "me"), by)
    return lambda number: lifecycle.assign(number, to=to, by=by)


def _snooze(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    until = snoozed_until(form)
    return lambda number: lifecycle.snooze(number, until=until, by=by)


def _change_severity(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    said = form.get("severity", "")
    if said not in Severity.values:
        raise UnknownDeed("Choose a severity.")
    to = Severity(said)
    reason = form.get("reason", "")[:500]
    return lambda number: lifecycle.change_severity(number, to=to, actor=by.username, reason=reason)


def _transition(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    to, reason = form.get("to", ""), form.get("reason", "")[:500]
    if to not in Incident.Status.values:
        raise UnknownDeed("Choose a status.")
    return lambda number: lifecycle.transition(number, to=to, actor=by.username, reason=reason)


def _resolve(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    reason = form.get("reason", "")[:500]
    return lambda number: lifecycle.transition(
        number, to=Incident.Status.RESOLVED, actor=by.username, reason=reason
    )


def _merge(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    """Into the incident that is named, else into the oldest of those chosen."""
    said = form.get("into", "").strip().upper().removeprefix("INC-")
    if said and not _is_number(said):
        raise UnknownDeed("Write the number of an incident, as in INC-42.")
    into = int(said) if said else min(numbers)
    if not Incident.objects.filter(number=into).exists():
        raise UnknownDeed(f"There is no INC-{into}.")
    return lambda number: number == into or grouping.merge(number, into=into, by=by)


def _retitle(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    title = " ".join(form.get("title", "").split())
    if not title:
        raise UnknownDeed("A title needs words.")
    return lambda number: lifecycle.retitle(number, title=title, by=by)


def _comment(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    text = note_of(form)
    return lambda number: lifecycle.comment(number, text=text, by=by)


def _pin(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    """`pin` or `unpin` is the number of an entry of the timeline."""
    is_pinned = "pin" in form
    said = form.get("pin" if is_pinned else "unpin", "")
    if not _is_number(said):
        raise UnknownDeed("Choose an entry of the timeline.")
    return lambda number: pinning.pin(number, seq=int(said), is_pinned=is_pinned, by=by)


def _separate(form: QueryDict, by: User, numbers: list[int]) -> Callable[[int], object]:
    """Some alerts into an incident of their own, or into the one that is named."""
    ids = [int(text) for text in form.getlist("alert") if _is_number(text)]
    said = form.get("into", "").strip().upper().removeprefix("INC-")
    if not ids:
        raise UnknownDeed("Choose some alerts first.")
    if not said:
        return lambda number: grouping.split(ids, source=number, by=by)
    if not _is_number(said) or not _exists(int(said)):
        raise UnknownDeed("There is no such incident to move them to.")
    return lambda number: grouping.move(ids, source=number, into=int(said), by=by)


def _in(seconds: str) -> datetime | None:
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 8):
        raise UnknownDeed("Say for how long to snooze.")
    span = min(timedelta(seconds=int(seconds)), LONGEST_SNOOZE)
    return timezone.now() + span if span else None


def _to_come(until: datetime) -> datetime:
    now = timezone.now()
    if until <= now:
        raise UnknownDeed("Choose a time that is still to come.")
    if until > now + LONGEST_SNOOZE:
        raise UnknownDeed(f"A snooze lasts {LONGEST_SNOOZE.days} days at most.")
    return until


def _is_number(text: str) -> bool:
    """Of a length that the database can hold, too."""
    return text.isascii() and text.isdecimal() and len(text) < 18


def _exists(number: int) -> bool:
    return Incident.objects.filter(number=number).exists()


def _person(name: str, by: User) -> User | None:
    if name == "none":
        return None
    if name == "me":
        return by
    person = User.objects.filter(username=name, is_active=True).first()
    if person is None:
        raise UnknownDeed(f"There is nobody called “{name}”.")
    return person


DEEDS = {
    "acknowledge": Deed("Acknowledged", _acknowledge),
    "assign": Deed("Assigned", _assign),
    "snooze": Deed("Snoozed", _snooze),
    "severity": Deed("Changed the severity of", _change_severity),
    "transition": Deed("Moved on", _transition),
    "resolve": Deed("Resolved", _resolve),
    "merge": Deed("Merged", _merge),
    "retitle": Deed("Renamed", _retitle),
    "comment": Deed("Commented on", _comment),
    "pin": Deed("Changed what is pinned in", _pin),
    "separate": Deed("Took alerts out of", _separate),
}
