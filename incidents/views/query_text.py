"""A search as text, edited term by term: what a click on a filter does to it. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from incidents.query_tokens import QuerySyntaxError, Token, read_tokens

_PLAIN = re.compile(r"[\w@/][\w.@/+-]*")


@dataclass(frozen=True, slots=True)
class Parts:
    """`chosen` are the plain `field:value` terms taken out; the others are text as written."""

    rest: str
    sort: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def take_apart(text: str, fields: Collection[str]) -> Parts:
    """Takes the terms of `fields` out, where all of the search has to hold for every row.

    A search that cannot be read, or one whose top has an OR, is kept whole as the rest.
    """
    try:
        tokens = read_tokens(text)
    except QuerySyntaxError:
        return Parts(text.strip())
    sort = " ".join(
        said.strip() for token, said, depth in _spans(tokens, text) if _is_sort(token, depth)
    )
    if any(token.kind == "or" and not depth for token, _, depth in _spans(tokens, text)):
        kept = [said for token, said, depth in _spans(tokens, text) if not _is_sort(token, depth)]
        return Parts(f"({''.join(kept).strip()})", sort)
    return _apart(list(_spans(tokens, text)), fields, sort)


def put_together(parts: Parts) -> str:
    terms = [write_term(name, values) for name, values in parts.chosen.items() if values]
    return " ".join(piece for piece in (parts.rest, *terms, parts.sort) if piece)


def write_term(name: str, values: Sequence[str]) -> str:
    """For example `status:[open,"on hold"]`."""
    said = [quoted(value) for value in values]
    return f"{name}:{said[0]}" if len(said) == 1 else f"{name}:[{','.join(said)}]"


def quoted(value: str) -> str:
    """A value as the language reads it back, in quotes where it needs them."""
    if _PLAIN.fullmatch(value) and ".." not in value:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def add_term(text: str, name: str, value: str) -> str:
    """The search with one more condition; one that is there already stays as it is."""
    term = write_term(name, [value])
    if f" {term} " in f" {text} ":
        return text
    parts = take_apart(text, ())
    return put_together(Parts(f"{parts.rest} {term}".strip(), parts.sort))


def sort_by(text: str, name: str) -> str:
    """Sorts by the column, the most first; again, the least first."""
    parts = take_apart(text, ())
    turned = parts.sort.startswith(f"sort:-{name}")
    return put_together(Parts(parts.rest, f"sort:{name}" if turned else f"sort:-{name}"))


def _apart(spans: list[tuple[Token, str, int]], fields: Collection[str], sort: str) -> Parts:
    rest: list[str] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for index, (token, said, depth) in enumerate(spans):
        is_negated = index > 0 and spans[index - 1][0].kind == "not"
        if _is_sort(token, depth) or (token.kind == "and" and not depth):
            continue
        if not depth and not is_negated and token.text in fields and _is_plain(token):
            values = (*chosen.get(token.text, ()), *(value.text for value in token.values))
            chosen[token.text] = tuple(dict.fromkeys(values))
        else:
            rest.append(said)
    return Parts("".join(rest).strip(), sort, chosen)


def _spans(tokens: list[Token], text: str) -> Iterator[tuple[Token, str, int]]:
    """Each token with its text and the space behind it, and how many brackets are around it."""
    ends = [*(token.position for token in tokens[1:]), len(text)][: len(tokens)]
    depth = 0
    for token, end in zip(tokens, ends, strict=True):
        inside = depth
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        yield token, text[token.position : end], max(inside, depth)


def _is_sort(token: Token, depth: int) -> bool:
    return token.kind == "field" and token.text == "sort" and not depth


def _is_plain(token: Token) -> bool:
    return token.kind == "field" and token.operator == "="
