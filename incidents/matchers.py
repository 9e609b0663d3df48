"""Label matchers as Prometheus writes them: ``service=checkout``, ``severity=~critical|high``.

Patterns run on the linear-time engine that pydantic brings, so none of them can backtrack.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from telemetry.linear_regex import InvalidPattern, matches_whole

Operator = Literal["=", "!=", "=~", "!~"]

MAX_MATCHER_LENGTH = 1_024

_MATCHER = re.compile(r"\s*([A-Za-z_][\w.:/-]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL | re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


class InvalidMatcher(ValueError):
    """A matcher that cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Matcher:
    name: str
    operator: Operator
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As in Prometheus: a missing label is an empty one, a pattern matches the whole value."""
        actual = labels.get(self.name, "")
        if self.operator in {"=", "!="}:
            return (actual == self.value) == (self.operator == "=")
        return matches_whole(self.value, actual) == (self.operator == "=~")

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{_quoted_if_needed(self.value)}"


def parse_matcher(text: str) -> Matcher:
    """Raises InvalidMatcher."""
    if len(text) > MAX_MATCHER_LENGTH:
        raise InvalidMatcher(f"A matcher is at most {MAX_MATCHER_LENGTH} characters long.")
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise InvalidMatcher(f'"{text}" is not a matcher. Write it like service=checkout.')
    name, operator, value = found.groups()
    matcher = Matcher(name, operator, _unquoted(value))  # type: ignore[arg-type]  # the regex's four
    if operator in {"=~", "!~"}:
        _demand_regex(matcher)
    return matcher


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Raises InvalidMatcher."""
    return tuple(parse_matcher(text) for text in texts)


def matches_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


def _demand_regex(matcher: Matcher) -> None:
    try:
        matches_whole(matcher.value, "")
    except InvalidPattern as error:
        raise InvalidMatcher(f'The pattern of "{matcher}" cannot be used: {error}') from error


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        raise InvalidMatcher(f"The quote of {value} is never closed.")
    return _ESCAPE.sub(lambda escape: _UNESCAPED.get(escape[1], escape[0]), quoted[1])


def _quoted_if_needed(value: str) -> str:
    if value == value.strip() and not value.startswith('"'):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
