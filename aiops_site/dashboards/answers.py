"""What each kind of panel shows: facts for its template, asked when somebody looks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from aiops_site.dashboards import measuring, service_map
from aiops_site.dashboards.binding import CannotBind, Scope, bind, bind_search, bind_text
from aiops_site.dashboards.document import (
    IncidentsPanel,
    LogsPanel,
    MarkdownPanel,
    MetricPanel,
    Panel,
    Query,
    StatPanel,
    TablePanel,
    Threshold,
    TopologyPanel,
)
from aiops_site.dashboards.figure import figure
from aiops_site.dashboards.lines import Answer, Line, lines_of
from aiops_site.dashboards.time_range import Range
from incidents.models import Incident
from incidents.query_tokens import QuerySyntaxError
from incidents.views.language import read
from telemetry import own_records
from telemetry.linear_regex import InvalidPattern
from telemetry.plot_style import look_of
from telemetry.promql.errors import QueryError
from telemetry.promql.vectors import NAME
from telemetry.records import severity_word
from telemetry.sources.base import SourceFailed
from telemetry.store.database import Unavailable
from telemetry.store.logs import LogQuery, TextTooLong
from telemetry.store.metrics import TooMuch
from telemetry.units import format_value

MOST_STATS = 12
MOST_ROWS = 100
MOST_LOGS = 100
MOST_INCIDENTS = 20
LEAST = {"any": 0, "info": 9, "warning": 13, "error": 17}
REFUSALS = (
    CannotBind,
    QueryError,
    InvalidPattern,
    TooMuch,
    TextTooLong,
    QuerySyntaxError,
    SourceFailed,
)
User = AbstractBaseUser | AnonymousUser
Facts = dict[str, Any]


class CannotShow(Exception):
    """Why this panel has nothing to show, for who looks at it."""


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at what stretch of time, with which variables."""

    seen: Range
    scope: Scope
    user: User


def facts_of(panel: Panel, look: Look) -> Facts:
    """For `dashboards/panels/<type>.html`. Raises CannotShow."""
    deed, permission = _DEEDS[panel.type]
    if permission and not _may(look.user, permission):
        raise CannotShow(f"This needs the permission {permission}.")
    try:
        return deed(panel, look)
    except REFUSALS as error:
        raise CannotShow(str(error).removeprefix('invalid parameter "query": ')) from error
    except Unavailable as error:
        raise CannotShow("The store does not answer.") from error


def _may(user: User, permission: str) -> bool:
    return bool(getattr(user, "has_perm", lambda _: False)(permission))


def _metric(panel: MetricPanel, look: Look) -> Facts:
    answer = _over_time(panel.queries, panel.source, look)
    drawn = figure(answer.lines, unit=panel.unit, thresholds=panel.thresholds)
    rows = [_row(line, place, panel.unit) for place, line in enumerate(answer.lines)]
    return {
        "figure": orjson.dumps(drawn).decode() if rows else "",
        "rows": rows,
        "left_out": answer.total - len(rows),
        "has_legend": panel.legend == "below",
        "thresholds": panel.thresholds,
    }


def _row(line: Line, place: int, unit: str) -> Facts:
    numbers = {"last": line.last, "least": line.least, "most": line.most, "mean": line.mean}
    tone, dash = look_of(place)
    written = {name: format_value(value, unit) for name, value in numbers.items()}
    return {"name": line.name, "tone": tone, "dash": dash, **written}


def _over_time(queries: list[Query], source: str, look: Look) -> Answer:
    """Of all the queries, a line for each series."""
    lines: list[Line] = []
    total = 0
    for query in queries:
        times, value = measuring.over_time(
            bind(query.expr, look.scope), source, look.seen, of=len(queries)
        )
        legend = bind_text(query.legend, look.scope)
        found = lines_of(times, value, legend=legend, otherwise="value")
        lines += found.lines
        total += found.total
    return Answer(lines, total)


def _stat(panel: StatPanel, look: Look) -> Facts:
    rows = [
        {
            "name": name,
            "value": format_value(value, panel.unit),
            "level": level_of(value, panel.thresholds),
        }
        for name, value in _now(panel.queries, panel.source, look)
    ]
    return {"rows": rows[:MOST_STATS], "left_out": max(0, len(rows) - MOST_STATS)}


def _now(queries: list[Query], source: str, look: Look) -> Iterator[tuple[str, float]]:
    """Name and value of each series at the end of the range."""
    for query in queries:
        vector = measuring.at_the_end(
            bind(query.expr, look.scope), source, look.seen, of=len(queries)
        )
        legend = bind_text(query.legend, look.scope)
        found = lines_of(np.zeros(1, dtype=np.int64), vector, legend=legend, otherwise="")
        for line in found.lines:
            yield "" if found.total == 1 and not query.legend else line.name, line.last


def level_of(value: float, thresholds: list[Threshold]) -> str:
    """Of the greatest threshold it has reached; empty below all of them."""
    reached = [each for each in thresholds if value >= each.value]
    return max(reached, key=lambda each: each.value).level if reached else ""


def _table(panel: TablePanel, look: Look) -> Facts:
    """A row for each series: its labels, and its value for each query."""
    found: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    for place, query in enumerate(panel.queries):
        vector = measuring.at_the_end(
            bind(query.expr, look.scope), panel.source, look.seen, of=len(panel.queries)
        )
        for labels, is_there, value in zip(
            vector.labels, vector.present[:, 0], vector.values[:, 0], strict=True
        ):
            if is_there:
                key = tuple(sorted((n, v) for n, v in labels.items() if n != NAME))
                found.setdefault(key, {})[place] = float(value)
    names = sorted({name for labels in found for name, _ in labels})
    rows = [_cells(dict(key), values, names, panel) for key, values in sorted(found.items())]
    heads = [query.legend or f"Value {place}" for place, query in enumerate(panel.queries, 1)]
    return {
        "labels": names,
        "heads": ["Value"] if heads == ["Value 1"] else heads,
        "rows": rows[:MOST_ROWS],
        "left_out": max(0, len(rows) - MOST_ROWS),
    }


def _cells(
    labels: dict[str, str], values: dict[int, float], names: list[str], panel: TablePanel
) -> Facts:
    shown = [values.get(place) for place in range(len(panel.queries))]
    return {
        "labels": [labels.get(name, "") for name in names],
        "values": [
            ("", "") if v is None else (format_value(v, panel.unit), level_of(v, panel.thresholds))
            for v in shown
        ],
    }


def _logs(panel: LogsPanel, look: Look) -> Facts:
    query = LogQuery(
        start_ns=look.seen.start_ms * 1_000_000,
        end_ns=look.seen.end_ms * 1_000_000,
        text=bind_text(panel.text, look.scope),
        service=bind_text(panel.service, look.scope),
        least_severity=LEAST[panel.least],
    )
    found = own_records.logs().search(query, MOST_LOGS)
    rows = [
        {
            "at": datetime.fromtimestamp(kept.record.at_ns / 1e9, UTC),
            "service": kept.record.service,
            "severity": severity_word(kept.record.severity),
            "body": kept.record.body[:2000],
        }
        for kept in found
    ]
    return {"rows": rows, "is_cut": len(rows) == MOST_LOGS}


def _topology(panel: TopologyPanel, look: Look) -> Facts:
    center = bind_text(panel.service, look.scope)
    return {"picture": service_map.draw(center), "center": center}


def _incidents(panel: IncidentsPanel, look: Look) -> Facts:
    query = bind_search(panel.query, look.scope)
    found = read(query, look.user)
    matching = Incident.objects.filter(found.where).select_related("service", "assignee")
    rows = list(matching.order_by(*found.ordering)[: MOST_INCIDENTS + 1])
    return {"rows": rows[:MOST_INCIDENTS], "query": query, "has_more": len(rows) > MOST_INCIDENTS}


def _markdown(panel: MarkdownPanel, look: Look) -> Facts:
    return {"text": bind_text(panel.text, look.scope)}


_DEEDS: dict[str, tuple[Callable[[Any, Look], Facts], str]] = {
    "metric": (_metric, "telemetry.view_series"),
    "stat": (_stat, "telemetry.view_series"),
    "table": (_table, "telemetry.view_series"),
    "logs": (_logs, "telemetry.view_series"),
    "topology": (_topology, "telemetry.view_service"),
    "incidents": (_incidents, "incidents.view_incident"),
    "markdown": (_markdown, ""),
}
