"""YAML text as plain values that remember their line.

Scalars follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema), so `on`,
`no`, `012` and `12:30:00` are not what YAML 1.1 made of them. Refused: anchors, aliases, tags,
duplicate keys, keys that are not text, more than one document, depth and size beyond the caps.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20

Path = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,4})?")


class YamlRefused(Exception):
    """The text can't be read; `line` counts from 1."""

    def __init__(self, line: int, path: Path, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.path = path
        self.message = message


@dataclass(frozen=True)
class Tree:
    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """The line of the value at `path`, or of its nearest parent that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_tree(text: str) -> Tree:
    """Raises `YamlRefused` for the first thing that can't be read."""
    _check_size(text)
    try:
        return _Composer(text).compose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlRefused(line, (), f"This is not YAML: {error.problem}.") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise YamlRefused(line, (), "There is a character YAML does not allow.") from error
    except yaml.YAMLError as error:
        raise YamlRefused(1, (), "This is not YAML.") from error


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n") + 1
        raise YamlRefused(line, (), "There is half a character (a surrogate).") from error
    if size > MAX_BYTES:
        raise YamlRefused(1, (), f"The document is larger than {MAX_BYTES // 1024} kB.")


class _Composer:
    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._lines: dict[Path, int] = {}

    def compose(self) -> Tree:
        value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlRefused(_line(event), (), "There may be one document only.")
                value = self._value(next(self._events), ())
        return Tree(value, self._lines)

    def _value(self, event: yaml.Event, path: Path) -> Any:
        self._check(event, path)
        self._lines.setdefault(path, _line(event))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return _scalar(event, path)

    def _check(self, event: yaml.Event, path: Path) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlRefused(
                _line(event), path, "Anchors and aliases (& and *) are not used here."
            )
        if getattr(event, "tag", None) not in (None, "!"):
            raise YamlRefused(_line(event), path, "Tags (!) are not used here.")
        if len(path) > MAX_DEPTH:
            raise YamlRefused(_line(event), path, f"Nothing may be nested deeper than {MAX_DEPTH}.")

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key in values:
                raise YamlRefused(_line(event), (*path, key), f"The key {key!r} is given twice.")
            self._lines[(*path, key)] = _line(event)
            values[key] = self._value(next(self._events), (*path, key))
        return values

    def _key(self, event: yaml.Event, path: Path) -> str:
        self._check(event, path)
        key = _scalar(event, path) if isinstance(event, yaml.ScalarEvent) else None
        if not isinstance(key, str):
            raise YamlRefused(_line(event), path, "A key must be text; put it in quotes.")
        return key


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.Event, path: Path) -> Any:
    if not isinstance(event, yaml.ScalarEvent):
        raise YamlRefused(_line(event), path, "A value is missing here.")
    if event.tag == "!" or not event.implicit[0]:
        return event.value
    return _plain(event.value, event, path)


def _plain(text: str, event: yaml.Event, path: Path) -> Any:
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return _finite(text, event, path)
    return text


def _finite(text: str, event: yaml.Event, path: Path) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise YamlRefused(_line(event), path, f"The number {text} is too large.")
    return number
