"""YAML text from outside as plain text, lists and mappings, within limits.

Every value is text or None, so no rule of YAML's makes `no` a boolean or `012` a ten. Refused:
anchors, aliases, tags, duplicate keys, keys that are not text, depth and size beyond the caps.
"""

from collections.abc import Iterator
from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_DOCUMENTS = 1_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = {"", "~", "null", "Null", "NULL"}
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class YamlRefused(ValueError):
    """The text can't be read; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"Line {line}: {message}")
        self.line = line


def read_documents(text: str) -> list[tuple[int, Any]]:
    """Each with the line it begins in; empty ones left out. Raises YamlRefused."""
    _check_size(text)
    try:
        _check_events(text)
        nodes = [node for node in yaml.compose_all(text, Loader=_LOADER) if node]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlRefused(line, f"This is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise YamlRefused(1, "There is a character YAML does not allow.") from error
    documents = [(_line(node), _plain(node)) for node in nodes]
    return [(line, value) for line, value in documents if value is not None]


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise YamlRefused(1, "There is half a character (a surrogate).") from error
    if size > MAX_BYTES:
        raise YamlRefused(1, f"The text is larger than {MAX_BYTES // 1024} kB.")


def _check_events(text: str) -> None:
    """One at a time and before anything is built, so that nothing grows deep or large first."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        documents += isinstance(event, yaml.DocumentStartEvent)
        for complaint in _complaints(event, depth, documents):
            raise YamlRefused(_line(event), complaint)


def _complaints(event: yaml.Event, depth: int, documents: int) -> Iterator[str]:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        yield "Anchors and aliases (& and *) are not used here."
    if getattr(event, "tag", None) not in (None, "!"):
        yield "Tags (!) are not used here."
    if depth > MAX_DEPTH:
        yield f"Nothing may be nested deeper than {MAX_DEPTH}."
    if documents > MAX_DOCUMENTS:
        yield f"There may be {MAX_DOCUMENTS} documents at most."


def _line(place: Any) -> int:
    return place.start_mark.line + 1 if place.start_mark else 1


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each) for each in node.value]
    is_quoted = isinstance(node, yaml.ScalarNode) and bool(node.style)
    return None if node.value in _NOTHING and not is_quoted else node.value


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _plain(key_node)
        if not isinstance(key, str):
            raise YamlRefused(_line(key_node), "A key must be text; put it in quotes.")
        if key in values:
            raise YamlRefused(_line(key_node), f"The key {key!r} is given twice.")
        values[key] = _plain(value_node)
    return values
