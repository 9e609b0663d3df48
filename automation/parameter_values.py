"""Typed values of runbook parameters: which ones are allowed, in words when one is not. Pure.

Patterns run on the linear-time regular expressions of pydantic-core, so none of them can be made
to take long, and always match the whole value.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Protocol

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

_INTEGER = re.compile(r"[-+]?[0-9]{1,16}")
_BOOLEANS = {"true": True, "false": False}


class ValueRefused(ValueError):
    """The value is not one the parameter takes; says why in words."""


class Rules(Protocol):
    """What a parameter declares about its values."""

    @property
    def type(self) -> str: ...
    @property
    def enum(self) -> list[str | int] | None: ...
    @property
    def pattern(self) -> str | None: ...
    @property
    def max_length(self) -> int: ...
    @property
    def minimum(self) -> int: ...
    @property
    def maximum(self) -> int: ...


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$", strict=True)])


def check_pattern(pattern: str) -> None:
    """Raises ValueError unless the pattern is anchored at both ends and can be compiled."""
    if not pattern.startswith("^") or not re.search(r"(?<!\\)(?:\\\\)*\$\Z", pattern):
        raise ValueError("a pattern starts with ^ and ends with $, so that it means all of a value")
    try:
        _matcher(pattern)
    except SchemaError as error:
        raise ValueError(
            "this pattern can't be used (no look-around, no back-references)"
        ) from error


def check_value(value: Any, rules: Rules) -> str | int | bool:
    """The value as its declared type; raises `ValueRefused` in words.

    A form sends text, so `"5"` is an integer and `"true"` a boolean where those are declared.
    """
    typed = _TYPES[rules.type](value, rules)
    if rules.enum is not None and typed not in rules.enum:
        raise ValueRefused(f"must be one of {', '.join(map(str, rules.enum))}")
    return typed


def _string(value: Any, rules: Rules) -> str:
    if not isinstance(value, str):
        raise ValueRefused("must be text")
    if len(value) > rules.max_length:
        raise ValueRefused(f"must have at most {rules.max_length} characters")
    if "\x00" in value or not _is_encodable(value):
        raise ValueRefused("has a character that can't be stored")
    if rules.pattern is not None and not _matches(value, rules.pattern):
        raise ValueRefused(f"must match {rules.pattern}")
    return value


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _matches(value: str, pattern: str) -> bool:
    try:
        _matcher(pattern).validate_python(value)
    except ValidationError:
        return False
    return True


def _integer(value: Any, rules: Rules) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueRefused("must be a whole number")
    if not rules.minimum <= value <= rules.maximum:
        raise ValueRefused(f"must be from {rules.minimum} to {rules.maximum}")
    return value


def _boolean(value: Any, rules: Rules) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise ValueRefused("must be true or false")


_TYPES: dict[str, Callable[[Any, Rules], str | int | bool]] = {
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
}
