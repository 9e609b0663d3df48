"""The search language, compiled to conditions: every word of a search ends as a parameter."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_, or_

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q

from incidents.query import And, Node, Not, Or, Sort, Term, Text, parse_query
from incidents.search_values import Asker

Condition = Callable[[Term, Asker], Q]


@dataclass(frozen=True)
class Language:
    """What one list can be searched for.

    `fields` says how each is compiled, `values` which words it knows (None: any). `columns` maps a
    sort word to a column that is never null and has an index, descending meaning "the most first".
    """

    fields: Mapping[str, Condition]
    values: Mapping[str, Collection[str] | None]
    columns: Mapping[str, str]
    words: Callable[[str], Q]
    default: tuple[str, ...] = field(default=("-pk",))


@dataclass(frozen=True)
class Search:
    """`where` for `filter`, `ordering` for `order_by` and for pages by key."""

    where: Q
    ordering: tuple[str, ...]


def read(
    text: str, language: Language, *, by: AbstractBaseUser | AnonymousUser, at: datetime
) -> Search:
    """Raises `QuerySyntaxError` with the position of the mistake."""
    known = {name: language.values.get(name) for name in language.fields}
    query = parse_query(text, known, language.columns)
    where = _compile(query.where, language, Asker(by, at)) if query.where else Q()
    return Search(where, _ordering(query.sort, language))


def _compile(node: Node, language: Language, asker: Asker) -> Q:
    match node:
        case Text():
            return language.words(node.text)
        case Term():
            return language.fields[node.field.partition(".")[0]](node, asker)
        case Not():
            return ~_compile(node.child, language, asker)
        case And() | Or():
            parts = [_compile(child, language, asker) for child in node.children]
            return reduce(and_ if isinstance(node, And) else or_, parts)


def _ordering(sorts: tuple[Sort, ...], language: Language) -> tuple[str, ...]:
    if not sorts:
        return language.default
    return tuple(_column(language.columns[key.field], key) for key in sorts)


def _column(column: str, key: Sort) -> str:
    """A rank is the worst first when it rises, so its column turns round."""
    rises = column.startswith("-")
    name = column.removeprefix("-")
    return f"-{name}" if key.is_descending != rises else name
