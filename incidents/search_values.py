"""What the words of a search term mean: moments, durations, numbers and severities, as conditions.

Nothing here makes SQL; a condition names a column of ours, and the word is its parameter.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact, IContains
from django.utils.dateparse import parse_date, parse_datetime

from incidents.models import Severity
from incidents.query import QuerySyntaxError, Term

_LOOKUPS = {"=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_DURATION = re.compile(r"(\d{1,6})(s|m|h|d|w)", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LARGEST = 2**63 - 1
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asker:
    """Who searches, and when: what `me` and `-2h` are."""

    user: AbstractBaseUser | AnonymousUser
    now: datetime


Condition = Callable[[Term, Asker], Q]
Meaning = Q | Callable[[Asker], Q]


def words(column: str) -> Condition:
    """Equal to one of the words, or with `~` containing it."""

    def condition(term: Term, asker: Asker) -> Q:
        if term.operator == "~":
            return Q(**{f"{column}__icontains": term.values[0]})
        if term.operator not in {"=", "!="}:
            raise _wrong(term, "takes a word, not a comparison")
        found = Q(**{f"{column}__in": term.values})
        return ~found if term.operator == "!=" else found

    return condition


def one_of(conditions: Mapping[str, Meaning]) -> Condition:
    """For `is:` and `has:`, where each word has a condition of its own."""

    def condition(term: Term, asker: Asker) -> Q:
        if term.operator not in {"=", "!="}:
            raise _wrong(term, f"takes one of {', '.join(conditions)}")
        meanings = (conditions[value] for value in term.values)
        found = reduce(or_, (m if isinstance(m, Q) else m(asker) for m in meanings))
        return ~found if term.operator == "!=" else found

    return condition


def person(column: str) -> Condition:
    """`me`, `none`, or a user name."""

    def condition(term: Term, asker: Asker) -> Q:
        if "none" in term.values and term.operator in {"=", "!="}:
            return Q(**{f"{column}__isnull": term.operator == "="})
        mine = asker.user.get_username()
        names = tuple(mine if value == "me" else value for value in term.values)
        return words(f"{column}__username")(_with(term, names), asker)

    return condition


def number(column: str) -> Condition:
    def condition(term: Term, asker: Asker) -> Q:
        return compare(column, term, [_whole(value, term) for value in term.values])

    return condition


def severity(term: Term, asker: Asker) -> Q:
    """`severity:>=high`: more is worse, so the rank, which rises towards harmless, turns round."""
    if term.operator in {"~", "range"}:
        raise _wrong(term, "takes a severity, or > and < with one")
    ranks = [Severity(value).rank for value in term.values]
    turned = {">": "<", ">=": "<=", "<": ">", "<=": ">="}.get(term.operator, term.operator)
    if turned in {"=", "!="}:
        found = Q(severity__in=term.values)
        return ~found if turned == "!=" else found
    known = [each.value for each in Severity if _holds(each.rank, turned, ranks[0])]
    return Q(severity__in=known)


def moment(column: str) -> Condition:
    """`>-2h`, `2026-11-20`, or a range of days whose last is included."""

    def condition(term: Term, asker: Asker) -> Q:
        spans = [_span(value, term, asker) for value in term.values]
        (start, end), operator = spans[0], term.operator
        if operator == "range":
            return _between(column, start, spans[1][1])
        if operator in {"=", "!="} and len(spans) == 1:
            found = _between(column, start, end)
            return ~found if operator == "!=" else found
        edge = end if operator in {">", "<="} and end > start else start
        verb = {">": "gte", "<=": "lt"}.get(operator, _LOOKUPS.get(operator, ""))
        if end == start:
            verb = _LOOKUPS.get(operator, "")
        if not verb or len(spans) > 1:
            raise _wrong(term, "takes a time, as in -2h or 2026-11-20")
        return Q(**{f"{column}__{verb}": edge})

    return condition


def lasting(start: str, end: str) -> Condition:
    """How long from one moment to another, or to now where that is still open: `>30m`."""

    def condition(term: Term, asker: Asker) -> Q:
        if term.operator not in {">", ">=", "<", "<="}:
            raise _wrong(term, "takes > or < with a duration, as in >30m")
        span = _duration(term.values[0], term)
        verb = _LOOKUPS[term.operator]
        turned = {"gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte"}[verb]
        ended = Q(**{f"{end}__isnull": False, f"{end}__{verb}": F(start) + span})
        ongoing = Q(**{f"{end}__isnull": True, f"{start}__{turned}": asker.now - span})
        return ended | ongoing

    return condition


def json_key(column: str) -> Condition:
    """`label.KEY:value`, the key being a parameter too; `label:KEY` asks whether it is there."""

    def condition(term: Term, asker: Asker) -> Q:
        _, _, key = term.field.partition(".")
        if not key:
            return Q(**{f"{column}__has_keys": [term.values[0]]})
        actual = KeyTextTransform(key, column)
        if term.operator == "~":
            return Q(IContains(actual, term.values[0]))
        if term.operator not in {"=", "!="}:
            raise _wrong(term, "takes a word, not a comparison")
        found = reduce(or_, (Q(Exact(actual, value)) for value in term.values))
        return ~found if term.operator == "!=" else found

    return condition


def label(column: str, name: str) -> Condition:
    """A field that is a label by another name."""
    condition = json_key(column)

    def named(term: Term, asker: Asker) -> Q:
        renamed = Term(f"label.{name}", term.operator, term.values, term.position)
        return condition(renamed, asker)

    return named


def compare(column: str, term: Term, values: list[Any]) -> Q:
    if term.operator == "range":
        return Q(**{f"{column}__gte": values[0], f"{column}__lte": values[1]})
    if term.operator in {"=", "!="}:
        found = Q(**{f"{column}__in": values})
        return ~found if term.operator == "!=" else found
    if term.operator not in _LOOKUPS:
        raise _wrong(term, "takes a number")
    return Q(**{f"{column}__{_LOOKUPS[term.operator]}": values[0]})


def _between(column: str, start: datetime, end: datetime) -> Q:
    return Q(**{f"{column}__gte": start, f"{column}__lt": end})


def _span(text: str, term: Term, asker: Asker) -> tuple[datetime, datetime]:
    """From when until when a word lasts: a day is a day long, a moment is none."""
    if text.startswith("-"):
        start = asker.now - _duration(text[1:], term)
        return start, start
    try:
        day, instant = parse_date(text), parse_datetime(text)
        if day is not None and len(text) <= len("2026-11-20"):
            start = datetime.combine(day, time(), UTC)
            return start, start + _DAY
        if instant is not None:
            at = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
            return at, at
    except (ValueError, OverflowError) as error:
        raise _wrong(term, "is not a time") from error
    raise _wrong(term, "takes a time, as in -2h or 2026-11-20")


def _duration(text: str, term: Term) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise _wrong(term, "takes a duration, as in 30m, 2h or 7d")
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    return min(span, timedelta(days=36_500))


def _whole(text: str, term: Term) -> int:
    digits = text.upper().removeprefix("INC-")
    if not digits.isascii() or not digits.isdecimal() or int(digits[:20]) > _LARGEST:
        raise _wrong(term, "takes a whole number")
    return int(digits)


def _holds(rank: int, operator: str, other: int) -> bool:
    return {
        "<": rank < other,
        "<=": rank <= other,
        ">": rank > other,
        ">=": rank >= other,
    }[operator]


def _with(term: Term, values: tuple[str, ...]) -> Term:
    return Term(term.field, term.operator, values, term.position)


def _wrong(term: Term, what: str) -> QuerySyntaxError:
    return QuerySyntaxError(f"“{term.field}:” {what}.", term.position)
