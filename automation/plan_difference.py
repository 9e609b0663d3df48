"""What is different between the plan somebody saw and the plan as it is now, in words. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from automation.placeholders import Path
from automation.problem import written
from automation.sensitive import MASK, is_sensitive

_ABSENT = object()


@dataclass(frozen=True)
class Change:
    """`before` or `after` is None where there was nothing; `path` is like `steps[0].target`."""

    path: str
    before: Any
    after: Any

    def in_words(self) -> str:
        if self.before is None:
            return f"{self.path}: {_quoted(self.after)} was added"
        if self.after is None:
            return f"{self.path}: {_quoted(self.before)} was removed"
        return f"{self.path}: was {_quoted(self.before)}, is now {_quoted(self.after)}"


def _quoted(value: Any) -> str:
    return orjson.dumps(value).decode()


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Between two plans as stored by `Plan.as_json`; empty when they are the same."""
    return list(_changes(dict(old), dict(new), ()))


def _changes(old: Any, new: Any, path: Path) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _changes(_item(old, index), _item(new, index), (*path, index))
    elif old != new or type(old) is not type(new):
        yield Change(written(path), _shown(old, path), _shown(new, path))


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def _shown(value: Any, path: Path) -> Any:
    if value is _ABSENT:
        return None
    hidden = "request" in path and any(
        isinstance(part, str) and is_sensitive(part) for part in path
    )
    return MASK if hidden else value
