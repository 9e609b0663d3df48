"""What is typed above the list of services: `tier:1 owner:web` and words of name or text."""

from django.db.models import Q

from telemetry.models import Service

FIELDS = {"tier": "tier", "owner": "owner__iexact", "name": "slug__icontains"}
LONGEST = 200
MOST_WORDS = 10


class CannotRead(Exception):
    """A word of the query means nothing; the message says which."""


def read(query: str) -> Q:
    """Every word must hold. Raises `CannotRead`."""
    where = Q()
    for word in query[:LONGEST].split()[:MOST_WORDS]:
        field, colon, value = word.partition(":")
        where &= _field(field, value) if colon else _anywhere(word)
    return where


def _field(field: str, value: str) -> Q:
    if field not in FIELDS or not value:
        known = ", ".join(f"{name}:" for name in FIELDS)
        raise CannotRead(f"“{field}:” is not known here. There are {known} and plain words.")
    if field == "tier" and value not in {str(tier) for tier in Service.Tier.values}:
        raise CannotRead("A tier is 1, 2, 3 or 4.")
    return Q(**{FIELDS[field]: value})


def _anywhere(word: str) -> Q:
    return (
        Q(slug__icontains=word)
        | Q(name__icontains=word)
        | Q(owner__icontains=word)
        | Q(description__icontains=word)
    )
