"""For a question that is a selector alone: which labels it could be narrowed by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from telemetry.explore.lines import NAME, Line
from telemetry.promql.asking import selector
from telemetry.promql.errors import InvalidQuery
from telemetry.store.frames import Matcher

MOST_LABELS = 12
MOST_VALUES = 10
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class Facet:
    """Each value with the question narrowed to it; `more` values are not listed."""

    name: str
    values: list[tuple[str, str]]
    more: int


def facets_of(query: str, lines: Sequence[Line]) -> list[Facet]:
    """Nothing for a question that is more than a selector, or where there is no choice."""
    try:
        matchers = selector(query)
    except InvalidQuery:
        return []
    counts: dict[str, Counter[str]] = {}
    for line in lines:
        for name, value in line.labels.items():
            if len(value) <= LONGEST_VALUE:
                counts.setdefault(name, Counter())[value] += 1
    choices = {name: values for name, values in sorted(counts.items()) if len(values) > 1}
    return [_facet(name, choices[name], matchers) for name in list(choices)[:MOST_LABELS]]


def _facet(name: str, values: Counter[str], matchers: Sequence[Matcher]) -> Facet:
    most = sorted(values.items(), key=lambda each: (-each[1], each[0]))[:MOST_VALUES]
    narrowed = [(value, _with(matchers, name, value)) for value, _ in most]
    return Facet(name, narrowed, max(len(values) - MOST_VALUES, 0))


def _with(matchers: Sequence[Matcher], name: str, value: str) -> str:
    kept = [each for each in matchers if (each.name, each.op) != (name, "=")]
    return written([*kept, Matcher(name, "=", value)])


def written(matchers: Sequence[Matcher]) -> str:
    """A selector as PromQL writes it."""
    names = [each for each in matchers if each.name == NAME and each.op == "="]
    others = [each for each in matchers if each not in names[:1]]
    metric = names[0].value if names and _is_plain(names[0].value) else ""
    if not metric:
        others = list(matchers)
    within = ", ".join(f"{each.name}{each.op}{_quoted(each.value)}" for each in others)
    return f"{metric}{{{within}}}" if within or not metric else metric


def _is_plain(name: str) -> bool:
    letters = name.replace("_", "").replace(":", "")
    return letters.isascii() and letters.isalnum() and not name[0].isdigit()


def _quoted(value: str) -> str:
    return orjson.dumps(value).decode()
