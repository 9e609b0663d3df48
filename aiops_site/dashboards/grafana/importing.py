"""A whole Grafana dashboard: what of it becomes ours, and what does not and why."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from aiops_site.dashboards.binding import Scope
from aiops_site.dashboards.checking import Patience, example_scope, problem_of
from aiops_site.dashboards.document import (
    MOST_PANELS,
    Document,
    NotADashboard,
    Panel,
    Variable,
    load,
    plain,
)
from aiops_site.dashboards.grafana import panels, variables
from aiops_site.dashboards.grafana.shape import GrafanaDashboard, GrafanaPanel, at, words
from aiops_site.dashboards.time_range import UNITS_MS
from automation.problem import words_for, written

OLDEST, NEWEST = 14, 41
MOST_LOOKED_AT = 1_000
MOST_VARIABLES = 12
DEEPEST = 3
TOO_LONG = "what stands before it took too long to read"


@dataclass(frozen=True, slots=True)
class Left:
    """What was left out, or changed: of what, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    document: Document
    refused: list[Left] = field(default_factory=list)
    notes: list[Left] = field(default_factory=list)


def is_grafana(given: Any) -> bool:
    return isinstance(given, dict) and bool(
        {"schemaVersion", "templating", "dashboard"} & set(given)
    )


def convert(given: Any) -> Imported:
    """Raises NotADashboard when it is none of the versions that are known."""
    dashboard = _read(at(given, "dashboard") or given)
    imported = Imported(load({"title": _title(dashboard)}))
    patience = Patience()
    known = list(_variables(dashboard, imported, patience))
    taken = list(_panels(dashboard, imported, example_scope(known), patience))
    document = {
        **plain(imported.document),
        "description": words(dashboard.description)[:20_000],
        "time": _time(dashboard.time),
        "variables": [each.model_dump(exclude_defaults=True) for each in known],
        "panels": [each.model_dump(exclude_defaults=True) for each in taken],
    }
    return Imported(load(document), imported.refused, imported.notes)


def _panels(
    dashboard: GrafanaDashboard, imported: Imported, scope: Scope, patience: Patience
) -> Iterator[Panel]:
    room = MOST_PANELS
    for panel in _in_order(dashboard):
        name = f"{panel.title or 'Without a title'} ({panel.type or 'no type'})"
        try:
            converted = _converted(panel, scope, patience, room)
        except panels.Refused as refused:
            imported.refused.append(Left(name, str(refused)))
            continue
        room -= 1
        imported.notes.extend(Left(name, note) for note in converted.notes)
        yield converted.panel


def _converted(panel: GrafanaPanel, scope: Scope, patience: Patience, room: int) -> panels.Taken:
    """Raises Refused."""
    if patience.is_over:
        raise panels.Refused(TOO_LONG)
    converted = panels.convert(panel, scope)
    if not room:
        raise panels.Refused(f"a dashboard has at most {MOST_PANELS} panels")
    return converted


def _read(given: Any) -> GrafanaDashboard:
    if at(given, "spec", "elements") or at(given, "elements"):
        raise NotADashboard(["This is Grafana's schema v2; export the dashboard as classic JSON."])
    try:
        dashboard = GrafanaDashboard.model_validate(given)
    except (ValidationError, RecursionError) as error:
        raise NotADashboard(_problems(error)) from error
    if not OLDEST <= dashboard.version <= NEWEST:
        raise NotADashboard(
            [f"Its schemaVersion is {dashboard.version}; {OLDEST} to {NEWEST} are known."]
        )
    return dashboard


def _problems(error: ValidationError | RecursionError) -> list[str]:
    if isinstance(error, RecursionError):
        return ["It is nested too deeply."]
    details = error.errors(include_url=False, include_context=False)[:10]
    return [f"{written(each['loc'])}: {words_for(each)}" for each in details]


def _variables(
    dashboard: GrafanaDashboard, imported: Imported, patience: Patience
) -> Iterator[Variable]:
    """Each may mention those before it."""
    known: list[Variable] = []
    for each in dashboard.templating.items:
        converted = variables.convert(each)
        name, variable, reason = f"${each.name[:60]}", converted.variable, converted.reason
        if variable and variable.selector:
            is_late = patience.is_over
            problem = TOO_LONG if is_late else problem_of(variable.selector, example_scope(known))
            variable, reason = (None, problem) if problem else (variable, reason)
        if variable and len(known) == MOST_VARIABLES:
            variable, reason = None, f"a dashboard has at most {MOST_VARIABLES} variables"
        if variable:
            known.append(variable)
        if reason:
            (imported.notes if variable else imported.refused).append(Left(name, reason))
    return iter(known)


def _in_order(dashboard: GrafanaDashboard) -> Iterator[GrafanaPanel]:
    """Line by line as they are read, with those that lie folded in rows; rows themselves flow."""
    found = [*dashboard.panels, *(each for row in dashboard.rows for each in row.panels)]
    whole = list(_unfolded(found, DEEPEST))
    if len(whole) > MOST_LOOKED_AT:
        raise NotADashboard([f"It has more than {MOST_LOOKED_AT} panels."])
    return iter(whole)


def _unfolded(found: list[GrafanaPanel], deepest: int) -> Iterator[GrafanaPanel]:
    for panel in sorted(found, key=_place) if all(each.place for each in found) else found:
        if panel.type != "row":
            yield panel
        elif deepest and panel.panels:
            yield from _unfolded(panel.panels, deepest - 1)


def _place(panel: GrafanaPanel) -> tuple[float, float]:
    place = panel.place
    return (place.y, place.x) if place and math.isfinite(place.y + place.x) else (math.inf, 0)


def _title(dashboard: GrafanaDashboard) -> str:
    return " ".join(words(dashboard.title).split())[:120] or "Imported dashboard"


def _time(given: Any) -> str:
    """ "now-6h" as 6h; anything else as an hour."""
    text = words(at(given, "from")).removeprefix("now-")
    is_known = text[:-1].isdecimal() and text.isascii() and text[-1:] in UNITS_MS
    return text if is_known and len(text) < 6 else "1h"
