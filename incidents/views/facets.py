"""What a list can be narrowed to, with how many rows each choice would show."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, QuerySet

from incidents.models import Alert, Incident, Severity
from incidents.query_tokens import QuerySyntaxError
from incidents.views.language import read
from incidents.views.query_text import Parts, put_together, take_apart

MOST_VALUES = 10
NOBODY = "none"
Counts: TypeAlias = Iterable[tuple[str | None, int]]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    title: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    field: str
    title: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    count: Callable[[QuerySet[Incident]], Counts]
    order: Sequence[str] = ()


def _by_column(column: str) -> Callable[[QuerySet[Incident]], Counts]:
    def count(incidents: QuerySet[Incident]) -> Counts:
        rows: Counts = incidents.order_by().values_list(column).annotate(n=Count("pk"))
        return rows

    return count


def _by_service(incidents: QuerySet[Incident]) -> Counts:
    through: QuerySet[Any] = Incident.services.through.objects.filter(incident__in=incidents)
    rows: Counts = through.order_by().values_list("service__slug").annotate(n=Count("pk"))
    return rows


def _by_source(incidents: QuerySet[Incident]) -> Counts:
    alerts = Alert.objects.filter(incident__in=incidents)
    counted = Count("incident", distinct=True)
    return alerts.order_by().values_list("integration__name").annotate(n=counted)


KINDS: Mapping[str, _Kind] = {
    "status": _Kind("Status", _by_column("status"), Incident.Status.values),
    "severity": _Kind("Severity", _by_column("severity"), Severity.values),
    "service": _Kind("Service", _by_service),
    "owner": _Kind("Owner", _by_column("assignee__username")),
    "source": _Kind("Source", _by_source),
}


def facets_for(query: str, user: AbstractBaseUser | AnonymousUser) -> list[Facet]:
    """One query each; what is chosen in a facet does not lower that facet's own counts."""
    parts = take_apart(query, KINDS)
    return [_facet(name, kind, parts, user) for name, kind in KINDS.items()]


def chosen_query(rest: str, sort: str, terms: Iterable[str]) -> str:
    """The search that a set of ticked boxes ("status:open") asks for."""
    chosen: dict[str, tuple[str, ...]] = {}
    for term in terms:
        name, _, value = term.partition(":")
        if name in KINDS and value:
            chosen[name] = (*chosen.get(name, ()), value)
    return put_together(Parts(rest, sort, chosen))


def _facet(name: str, kind: _Kind, parts: Parts, user: AbstractBaseUser | AnonymousUser) -> Facet:
    others = {field: values for field, values in parts.chosen.items() if field != name}
    chosen = [_spelt(name, value, user) for value in parts.chosen.get(name, ())]
    counts = _counted(kind, Parts(parts.rest, chosen=others), user)
    if name != "owner":
        counts.pop(NOBODY, None)
    values = list(dict.fromkeys([*_ranked(kind, counts), *chosen]))
    choices = [Choice(v, _title(name, v), counts.get(v, 0), v in chosen) for v in values]
    return Facet(name, kind.title, choices)


def _counted(kind: _Kind, parts: Parts, user: AbstractBaseUser | AnonymousUser) -> dict[str, int]:
    try:
        where = read(put_together(parts), user).where
    except QuerySyntaxError:
        return {}
    rows = kind.count(Incident.objects.filter(where))
    return {NOBODY if value is None else value: count for value, count in rows}


def _ranked(kind: _Kind, counts: dict[str, int]) -> list[str]:
    if kind.order:
        return list(kind.order)
    most = sorted(counts, key=lambda value: (value != NOBODY, -counts[value], value))
    return most[:MOST_VALUES]


def _spelt(name: str, value: str, user: AbstractBaseUser | AnonymousUser) -> str:
    return user.get_username() if name == "owner" and value == "me" else value


def _title(name: str, value: str) -> str:
    if value == NOBODY:
        return "Unassigned"
    return value.capitalize() if name in ("status", "severity") else value
