"""What a deed on several incidents came to, one by one, and how to take it back for ten minutes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core import signing

from incidents import bulk
from incidents.bulk import CannotUndo
from incidents.models.bulk import UNDO_WINDOW
from incidents.undoing import before, noting, put_back

__all__ = ["CannotUndo", "Outcome", "before", "each", "noting", "sign", "take_back"]

_SALT = "incidents.undo"


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
        if why := bulk.attempt(deed, number):
            outcome.refused.append((number, why))
        else:
            outcome.done.append(number)
    return outcome


def sign(verb: str, by: User, known: dict[int, Any], done: list[int]) -> str:
    items = [(number, known[number]) for number in done if number in known]
    return signing.dumps([verb, by.pk, items], salt=_SALT, compress=True) if items else ""


def take_back(token: str, *, by: User) -> Outcome:
    """Raises `CannotUndo`."""
    try:
        verb, author, items = signing.loads(token, salt=_SALT, max_age=UNDO_WINDOW)
    except signing.BadSignature as error:
        raise CannotUndo("It can be taken back for ten minutes only.") from error
    if author != by.pk:
        raise CannotUndo("Only the person who did it can take it back.")
    known = dict(items)
    return each("Took it back for", known, lambda number: put_back(verb, number, known[number], by))
