"""What is typed above the services: `tier:1 owner:web health:down` and words of name or text."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from telemetry.models import Service

FIELDS = {
    "tier": "tier",
    "owner": "owner__iexact",
    "kind": "kind",
    "name": "slug__icontains",
    "health": "",
}
CHOICES: dict[str, tuple[str, ...]] = {
    "tier": tuple(str(tier) for tier in Service.Tier.values),
    "kind": tuple(Service.Kind.values),
    "health": ("down", "degraded", "unknown", "healthy"),
}
LONGEST = 200
MOST_WORDS = 10


class CannotRead(Exception):
    """A word of the query means nothing; the message says which."""


@dataclass(frozen=True, slots=True)
class Query:
    """`health` is one of the words, or empty for any: how a service is, no row says."""

    where: Q
    health: str = ""


def read(query: str) -> Query:
    """Every word must hold. Raises `CannotRead`."""
    words = [word.partition(":") for word in query[:LONGEST].split()[:MOST_WORDS]]
    for field, colon, value in words:
        if colon:
            _check(field, value)
    health = [value for field, _, value in words if field == "health"]
    return Query(_where(words), health[-1] if health else "")


def _where(words: Iterable[tuple[str, str, str]]) -> Q:
    where = Q()
    for field, colon, value in words:
        if colon and FIELDS[field]:
            where &= Q((FIELDS[field], value))
        elif not colon:
            where &= _anywhere(field)
    return where


def _check(field: str, value: str) -> None:
    if field not in FIELDS or not value:
        known = ", ".join(f"{name}:" for name in FIELDS)
        raise CannotRead(f"“{field}:” is not known here. There are {known} and plain words.")
    choices = CHOICES.get(field, (value,))
    if value not in choices:
        *others, last = choices
        raise CannotRead(f"{field}: is {', '.join(others)} or {last}.")


def _anywhere(word: str) -> Q:
    return (
        Q(slug__icontains=word)
        | Q(name__icontains=word)
        | Q(owner__icontains=word)
        | Q(description__icontains=word)
    )
