"""`${parameter}` fills a whole value, never a part of one. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")

Path = tuple[str | int, ...]


def name_in(value: Any) -> str | None:
    """The parameter that `value` stands for, when it is nothing but a placeholder."""
    matched = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return matched[1] if matched else None


def texts_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, str, bool]]:
    """Every text inside, with its path and whether it is a key."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_in(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key, True
            yield from texts_in(item, (*path, key))


def filled(value: Any, values: Mapping[str, str | int | bool]) -> Any:
    """`value` with its placeholders filled; what was filled in is never looked at again.

    Raises KeyError for a parameter that has no value.
    """
    name = name_in(value)
    if name is not None:
        return values[name]
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, values) for key, item in value.items()}
    return value
