"""What of a search is being typed at the caret: the name of a field, or one of its values. Pure."""

import re
from dataclasses import dataclass

_TERM = re.compile(r"-?(?P<field>[A-Za-z_][\w./-]*):(?P<sign>>=|<=|[><!~])?(?P<rest>.*)", re.DOTALL)
_NAME = re.compile(r"-?(?P<name>(?:[A-Za-z_][\w./-]*)?)")
_REST_OF_NAME = re.compile(r"[\w./-]*:?")
_REST_OF_VALUE = re.compile(r'[^\s()"\[\],]*')
_REST_OF_QUOTED = re.compile(r'[^"]*"')


@dataclass(frozen=True, slots=True)
class Typed:
    """`cut` before the caret and `tail` after it are what a choice takes the place of.

    `field` is empty while a field's name is typed; `text` is how the name or value begins so far.
    """

    field: str
    text: str
    cut: str
    tail: str
    is_listed: bool = False
    is_signed: bool = False


def typed_at(before: str, after: str) -> Typed | None:
    """None where neither can stand, as within quoted words."""
    term = before[_start_of_term(before) :]
    found = _TERM.fullmatch(term)
    if found:
        return _value(found, after)
    name = _NAME.fullmatch(term)
    if name is None:
        return None
    return Typed("", name["name"], name["name"], _match(_REST_OF_NAME, after))


def _value(found: re.Match[str], after: str) -> Typed:
    rest, field = found["rest"], found["field"]
    is_listed = rest.startswith("[")
    said = re.split(r"[\[,]", rest)[-1].lstrip() if is_listed else rest
    if field == "sort":
        said = rest.rpartition(",")[2].removeprefix("-")
    rest_of = _REST_OF_QUOTED if said.startswith('"') else _REST_OF_VALUE
    text, tail = said.removeprefix('"'), _match(rest_of, after)
    return Typed(field, text, said, tail, is_listed, is_signed=bool(found["sign"]))


def _start_of_term(before: str) -> int:
    """Behind the last space or bracket that is in no quotes and in no list."""
    start, is_quoted, is_listed, is_escaped = 0, False, False, False
    for index, character in enumerate(before):
        if is_quoted:
            is_quoted = character != '"' or is_escaped
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            is_quoted = True
        elif character in "[]":
            is_listed = character == "["
        elif not is_listed and (character.isspace() or character in "()"):
            start = index + 1
    return start


def _match(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else ""
