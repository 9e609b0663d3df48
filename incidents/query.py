"""The search language of the lists: text to a small tree, never to SQL.

::

    query = or              or  = and { "OR" and }
    and   = not { ["AND"] not }     not = ["-" | "NOT"] atom
    atom  = "(" or ")" | field ":" value | word | "quoted words"
    value = [">" ">=" "<" "<=" "!" "~"] ( word | quoted | "[" a "," b "]" )  |  a ".." b

``sort:-severity,-opened`` may stand anywhere outside brackets and is kept apart.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from incidents.query_tokens import Operator, QuerySyntaxError, Token, Value, read_tokens

__all__ = [
    "And", "Node", "Not", "Operator", "Or", "Query", "QuerySyntaxError", "Sort", "Term", "Text",
    "parse_query",
]  # fmt: skip

FieldValues: TypeAlias = Mapping[str, Collection[str] | None]

MAX_TERMS = 20
MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Text:
    """Words to be found anywhere."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Term:
    """``values`` has two for a range, one or more (any of them) for = and !=, else one.

    ``field`` is a name of the given fields, or ``label.KEY`` where ``label`` is one of them.
    """

    field: str
    operator: Operator
    values: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    child: "Node"


@dataclass(frozen=True, slots=True)
class And:
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple["Node", ...]


Node: TypeAlias = Text | Term | Not | And | Or


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """``where`` is None when everything is wanted."""

    where: Node | None
    sort: tuple[Sort, ...] = ()


def parse_query(text: str, fields: FieldValues, sort_fields: Collection[str] = ()) -> Query:
    """``fields`` maps each known field to its values, or to None where any value will do.

    Raises QuerySyntaxError with the offset of the mistake in ``text``.
    """
    tokens = read_tokens(text)
    sorts = [token for token in tokens if _is_sort(token)]
    rest = [token for token in tokens if not _is_sort(token)]
    order = tuple(key for token in sorts for key in _read_sort(token, sort_fields))
    parser = _Parser(rest, fields, end=len(text))
    return Query(parser.parse() if rest else None, order)


def _is_sort(token: Token) -> bool:
    return token.kind == "field" and token.text == "sort"


def _read_sort(token: Token, sort_fields: Collection[str]) -> list[Sort]:
    if token.operator != "=":
        raise QuerySyntaxError("Sort by names, as in sort:-severity,-opened.", token.position)
    return [
        _read_sort_key(Value(name, value.position), sort_fields)
        for value in token.values
        for name in value.text.split(",")
    ]


def _read_sort_key(value: Value, sort_fields: Collection[str]) -> Sort:
    field = value.text.removeprefix("-")
    if field not in sort_fields:
        raise _unknown("sort field", field, sort_fields, value.position)
    return Sort(field, is_descending=value.text.startswith("-"))


def _unknown(what: str, name: str, known: Collection[str], position: int) -> QuerySyntaxError:
    close = get_close_matches(name.lower(), known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return QuerySyntaxError(f"Unknown {what} “{name}”.{hint}", position, close[0] if close else "")


class _Parser:
    def __init__(self, tokens: list[Token], fields: FieldValues, *, end: int) -> None:
        self._tokens = tokens
        self._fields = fields
        self._end = end
        self._at = 0
        self._terms = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._or()
        if self._at < len(self._tokens):
            raise QuerySyntaxError("This ) has no (.", self._position())
        return node

    def _or(self) -> Node:
        children = [self._and()]
        while self._accept("or"):
            children.append(self._and())
        return children[0] if len(children) == 1 else Or(tuple(children))

    def _and(self) -> Node:
        children = [self._not()]
        while self._accept("and") or self._kind() not in {"", "or", "close"}:
            children.append(self._not())
        return children[0] if len(children) == 1 else And(tuple(children))

    def _not(self) -> Node:
        if self._accept("not"):
            return Not(self._atom())
        return self._atom()

    def _atom(self) -> Node:
        token = self._next()
        if token.kind == "open":
            return self._group(token)
        if token.kind not in {"field", "text"}:
            raise QuerySyntaxError("A search term is missing here.", token.position)
        if token.kind == "text":
            self._count(1, token)
            return Text(token.text, token.position)
        return self._term(token)

    def _group(self, opening: Token) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QuerySyntaxError(
                f"At most {MAX_DEPTH} brackets fit in each other.", opening.position
            )
        node = self._or()
        self._depth -= 1
        if not self._accept("close"):
            raise QuerySyntaxError("This ( is never closed.", opening.position)
        return node

    def _term(self, token: Token) -> Term:
        self._count(len(token.values), token)
        self._demand_field(token)
        known = None if token.operator == "~" else self._fields.get(token.text)
        values = tuple(_known_value(value, known) for value in token.values)
        return Term(token.text, token.operator, values, token.position)

    def _demand_field(self, token: Token) -> None:
        prefix, _, key = token.text.partition(".")
        is_label = prefix == "label" and bool(key)
        if (prefix if is_label else token.text) not in self._fields:
            raise _unknown("field", token.text, self._fields.keys(), token.position)

    def _count(self, terms: int, token: Token) -> None:
        self._terms += terms
        if self._terms > MAX_TERMS:
            raise QuerySyntaxError(f"A search has at most {MAX_TERMS} terms.", token.position)

    def _kind(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _accept(self, kind: str) -> bool:
        is_next = self._kind() == kind
        self._at += is_next
        return is_next

    def _next(self) -> Token:
        if self._at == len(self._tokens):
            raise QuerySyntaxError("A search term is missing at the end.", self._end)
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _position(self) -> int:
        return self._tokens[self._at].position


def _known_value(value: Value, known: Collection[str] | None) -> str:
    if known is None or value.text in known:
        return value.text
    if value.text.lower() in known:
        return value.text.lower()
    raise _unknown("value", value.text, known, value.position)
