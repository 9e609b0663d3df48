"""What the variables of a dashboard stand for in its queries.

A chosen value comes from an address bar, so it only ever fills the quotes of a label's value, and
is escaped for them; outside of quotes stand nothing but durations, which are checked letter by
letter.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ALL = "$__all"
NEAR = 20  # between an operator and its quotes stand a few spaces at most
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`"""
_VARIABLE = r"\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::\w+)?\})"
_PIECE = re.compile(rf"(?P<quoted>{_QUOTED})|\#[^\n]*|{_VARIABLE}", re.DOTALL)
_NAMED = re.compile(_VARIABLE)
_DURATION = re.compile(r"[0-9]{1,12}(?:ms|s|m|h|d|w|y)?", re.ASCII)
_MEANS_SOMETHING = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


class CannotBind(ValueError):
    """The message says which variable does not fit where it stands."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`chosen` are the values of each variable, `durations` what may stand outside of quotes."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    durations: Mapping[str, str] = field(default_factory=dict)


def bind(query: str, scope: Scope) -> str:
    """The query with every variable filled in. Raises CannotBind."""

    def filled(found: re.Match[str]) -> str:
        if found["quoted"]:
            before = query[max(0, found.start() - NEAR) : found.start()]
            return _in_quotes(found["quoted"], before, scope)
        name = found["bare"] or found["braced"]
        return _duration(name, scope) if name else found[0]

    return _PIECE.sub(filled, query)


def bind_text(text: str, scope: Scope) -> str:
    """For words of a search or a title: plain values, several divided by commas."""

    def filled(found: re.Match[str]) -> str:
        values = scope.chosen.get(_name(found))
        if values is None:
            return found[0]
        return ", ".join("all" if value == ALL else value for value in values)

    return _NAMED.sub(filled, text)


def bind_search(query: str, scope: Scope) -> str:
    """For the search language of the lists: a value stands in quotes. Raises CannotBind."""

    def filled(found: re.Match[str]) -> str:
        value = _one(_name(found), scope)
        return '"' + value.replace("\\", r"\\").replace('"', r"\"") + '"'

    return _NAMED.sub(filled, query)


def _name(found: re.Match[str]) -> str:
    return str(found["bare"] or found["braced"])


def _in_quotes(quoted: str, before: str, scope: Scope) -> str:
    """Only the value of a label has variables in it; `$1` of label_replace is none."""
    operator = before.rstrip()[-2:]
    if operator in ("=~", "!~"):
        return _value(quoted, lambda name: _pattern(name, scope))
    return _value(quoted, lambda name: _one(name, scope)) if operator[-1:] == "=" else quoted


def _value(quoted: str, fill: Callable[[str], str]) -> str:
    """In backticks nothing can be escaped, so what is filled in there gets other quotes."""
    mark, content = quoted[0], quoted[1:-1]
    if not _NAMED.search(content):
        return quoted
    if mark == "`":
        mark, content = '"', _escaped(content, '"')
    return mark + _NAMED.sub(lambda found: _escaped(fill(_name(found)), mark), content) + mark


def _escaped(text: str, mark: str) -> str:
    return "".join(_ESCAPES.get(letter) or letter.replace(mark, f"\\{mark}") for letter in text)


def _pattern(name: str, scope: Scope) -> str:
    """A regular expression that matches the chosen values literally."""
    values = _values(name, scope)
    if ALL in values:
        return ".*"
    literal = [_MEANS_SOMETHING.sub(r"\\\g<0>", value) for value in values]
    return literal[0] if len(literal) == 1 else f"({'|'.join(literal)})"


def _one(name: str, scope: Scope) -> str:
    values = _values(name, scope)
    if len(values) != 1 or ALL in values:
        raise CannotBind(f"${name} stands for several values: write =~ in place of =.")
    return values[0]


def _values(name: str, scope: Scope) -> tuple[str, ...]:
    if name in scope.durations:
        return (scope.durations[name],)
    values = scope.chosen.get(name)
    if values is None:
        raise CannotBind(f"There is no variable ${name}.")
    if not values:
        raise CannotBind(f"${name} has no value yet.")
    return values


def _duration(name: str, scope: Scope) -> str:
    value = scope.durations.get(name, "")
    if _DURATION.fullmatch(value):
        return value
    if name in scope.chosen:
        raise CannotBind(f'${name} may only stand for a label\'s value, as in {{label="${name}"}}.')
    raise CannotBind(f"There is no variable ${name}.")
