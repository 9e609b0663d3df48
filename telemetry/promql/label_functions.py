"""`label_replace` and `label_join`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from telemetry.linear_regex import InvalidPattern, matches_whole
from telemetry.promql.captures import Pattern, UnknownPattern
from telemetry.promql.errors import CannotEvaluate, TooMuchAsked
from telemetry.promql.vectors import Labels, Vector, merged

MOST_STEPS = 10_000_000
_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)


def label_replace(vector: Vector, target: str, template: str, source: str, pattern: str) -> Vector:
    """Where the whole of the label `source` matches, `target` becomes the filled template."""
    sources = [each.get(source, "") for each in vector.labels]
    filled = _filled(template, pattern, set(sources))
    _demand_name(target, "destination", "label_replace")
    labels = [
        _with(each, target, filled.get(text))
        for each, text in zip(vector.labels, sources, strict=True)
    ]
    return merged(replace(vector, labels=labels))


def label_join(vector: Vector, target: str, separator: str, *sources: str) -> Vector:
    _demand_name(target, "destination", "label_join")
    for source in sources:
        _demand_name(source, "source", "label_join")
    labels = [
        _with(each, target, separator.join(each.get(source, "") for source in sources))
        for each in vector.labels
    ]
    return merged(replace(vector, labels=labels))


def _filled(template: str, pattern: str, texts: Iterable[str]) -> dict[str, str]:
    """The template for each text that matches; `$1`, `${1}` and `${name}` stand for groups."""
    try:
        matching = [text for text in ("", *texts) if matches_whole(f"(?-s:{pattern})", text)]
        groups_of = Pattern(pattern) if "$" in template and matching else None
    except (InvalidPattern, UnknownPattern) as error:
        raise CannotEvaluate(
            f"invalid regular expression in label_replace(): {pattern} ({error})"
        ) from error
    if groups_of is None:
        return dict.fromkeys(matching, template)
    if len(groups_of.program) * sum(map(len, matching)) > MOST_STEPS:
        raise TooMuchAsked("label_replace() has too many long labels to look into")
    return {text: _with_groups(template, groups_of.groups(text) or {}) for text in matching}


def _with_groups(template: str, groups: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: found[1] or groups.get(found[2] or found[3], ""), template)


def _with(labels: Labels, name: str, value: str | None) -> Labels:
    if value is None:
        return labels
    others = {key: other for key, other in labels.items() if key != name}
    return {**others, name: value} if value else others


def _demand_name(name: str, role: str, function: str) -> None:
    if not _LABEL_NAME.fullmatch(name):
        raise CannotEvaluate(f"invalid {role} label name in {function}(): {name}")
