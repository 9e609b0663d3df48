"""A Grafana panel as one of ours, or why that cannot be."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiops_site.dashboards.binding import Scope
from aiops_site.dashboards.checking import problem_of
from aiops_site.dashboards.document import NotADashboard, Panel, load
from aiops_site.dashboards.grafana.shape import GrafanaPanel, Target, at, words
from aiops_site.dashboards.grafana.units import thresholds_of, unit_of
from aiops_site.dashboards.grafana.variables import modern

MOST_QUERIES = 10
LONGEST = 200
LONGEST_QUERY = 4_900
ROW_UNITS = 2.1  # their rows are 38 pixels high, ours 80
_KINDS = {
    "timeseries": "metric",
    "graph": "metric",
    "stat": "stat",
    "singlestat": "stat",
    "gauge": "stat",
    "bargauge": "stat",
    "table": "table",
    "table-old": "table",
}
_OURS = {"prometheus", "mixed", "datasource", ""}
_SELECTOR = re.compile(r'\s*\{\s*([A-Za-z_]\w*)\s*=\s*"([^"\\]*)"\s*,?\s*\}\s*(.*)', re.DOTALL)
_FILTER = re.compile(r'\|=\s*["`]([^"`\\]*)["`]\s*')
_SERVICES = ("service", "service_name", "app", "job", "container")


class Refused(Exception):
    """Why this panel cannot be taken over."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`notes` say what was lost."""

    panel: Panel
    notes: list[str] = field(default_factory=list)


def convert(given: GrafanaPanel, scope: Scope) -> Taken:
    """`scope` has an example for each variable there is. Raises Refused."""
    if given.library is not None:
        raise Refused("it is a library panel, whose content is not in this file")
    deed = _DEEDS.get(given.type)
    if deed is None:
        raise Refused(f"there is no panel like {given.type[:40] or 'one without a type'} here")
    fields, notes = deed(given, scope)
    whole = {"title": _line(modern(given.title or "")), **_size(given), **fields}
    try:
        panel = load({"title": "of a panel", "panels": [whole]}).panels[0]
    except NotADashboard as error:
        raise Refused(str(error).removeprefix("panels[0].")) from error
    if given.repeat:
        notes.append("it is shown once and not for each value")
    return Taken(panel.model_copy(update={"id": 0}), notes)


def _asking(given: GrafanaPanel, scope: Scope) -> tuple[dict[str, Any], list[str]]:
    unit, factor = unit_of(given)
    wanted = [each for each in given.targets or [] if not each.hide]
    if not wanted:
        raise Refused("it asks nothing")
    taken, problems = [], []
    for target in wanted[:MOST_QUERIES]:
        if problem := _problem(target, given, scope):
            problems.append(problem)
        else:
            taken.append({"expr": _expression(target, factor), "legend": _legend(target)})
    if not taken:
        raise Refused("; ".join(dict.fromkeys(problems)))
    notes = [f"a query is left out: {problem}" for problem in dict.fromkeys(problems)]
    if len(wanted) > MOST_QUERIES:
        notes.append(f"only {MOST_QUERIES} of its {len(wanted)} queries are kept")
    if _has_words(at(given.field_config, "defaults", "mappings")):
        notes.append("the words it has for values are left out")
    if given.transformations:
        notes.append("its transformations are left out")
    kind = {"type": _KINDS[given.type], "queries": taken, "unit": unit}
    limits = [each.model_dump() for each in thresholds_of(given, factor)]
    return {**kind, "thresholds": limits}, notes


def _has_words(mappings: Any) -> bool:
    """Apart from those for what is missing."""
    given = mappings if isinstance(mappings, list) else []
    return any(at(each, "type") != "special" for each in given)


def _problem(target: Target, given: GrafanaPanel, scope: Scope) -> str:
    """Why this query cannot be asked here; empty when it can."""
    kind = _kind_of_source(target.datasource) or _kind_of_source(given.datasource)
    if kind not in _OURS:
        return f"it asks {kind[:40]}"
    if not target.expr:
        return "it is not PromQL"
    if len(target.expr) > LONGEST_QUERY:
        return f"its query is longer than {LONGEST_QUERY} characters"
    return problem_of(modern(target.expr), scope)


def _kind_of_source(datasource: Any) -> str:
    """Where only a name stands, nothing is known."""
    return words(at(datasource, "type"))


def _expression(target: Target, factor: float) -> str:
    expression = modern(target.expr or "").strip()
    return expression if factor == 1 else f"{factor:g} * ({expression}\n)"


def _legend(target: Target) -> str:
    legend = target.legend_format or ""
    return "" if legend == "__auto" else _line(modern(legend))


def _text(given: GrafanaPanel, scope: Scope) -> tuple[dict[str, Any], list[str]]:
    mode = words(at(given.options, "mode")) or words(given.mode) or "markdown"
    if mode == "html":
        raise Refused("it is HTML, which is not shown here")
    content = words(at(given.options, "content")) or words(given.content)
    return {"type": "markdown", "text": modern(content)}, []


def _logs(given: GrafanaPanel, scope: Scope) -> tuple[dict[str, Any], list[str]]:
    """LogQL of one label and filters for words is a search here."""
    target = next((each for each in given.targets or [] if not each.hide), Target())
    found = _SELECTOR.fullmatch(modern(target.expr or ""))
    if found is None or found[1] not in _SERVICES or _FILTER.sub("", found[3]).strip():
        raise Refused("its query is more than one service and words to search for")
    phrases = " ".join(f'"{phrase}"' for phrase in _FILTER.findall(found[3]))
    return {"type": "logs", "service": found[2], "text": phrases}, []


def _size(given: GrafanaPanel) -> dict[str, int]:
    if given.place is None:
        return {"width": _within(given.span or 6, 12), "height": 3}
    return {
        "width": _within(given.place.w / 2, 12),
        "height": _within(given.place.h / ROW_UNITS, 10),
    }


def _within(size: float, most: int) -> int:
    return round(min(max(size, 1), most))


def _line(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


_DEEDS: dict[str, Callable[[GrafanaPanel, Scope], tuple[dict[str, Any], list[str]]]] = {
    **dict.fromkeys(_KINDS, _asking),
    "text": _text,
    "logs": _logs,
}
