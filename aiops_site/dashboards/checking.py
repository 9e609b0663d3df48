"""Whether the queries of a dashboard can be asked at all, before anybody looks at it."""

import time
from collections.abc import Iterable, Iterator

from aiops_site.dashboards.binding import CannotBind, Scope, bind
from aiops_site.dashboards.document import Asking, Document, NotADashboard, Variable
from aiops_site.dashboards.time_range import UNITS_MS, Range
from telemetry.promql import syntax
from telemetry.promql.errors import InvalidQuery
from telemetry.promql.evaluating import KNOWN

PATIENCE_SECONDS = 3.0  # thousands are read in that time, but some take a third of a second each
_HOUR = Range(0, UNITS_MS["h"], "now-1h", "now")


class Patience:
    """How long the queries of one document may take to be read."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + PATIENCE_SECONDS

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._ends_at


def demand_queries(document: Document) -> None:
    """Raises NotADashboard."""
    problems = list(problems_of(document))
    if problems:
        raise NotADashboard(problems)


def problems_of(document: Document) -> Iterator[str]:
    """Such as "panels[1].queries[0]: 1:5: parse error: ...". What an outside source is asked is
    its own to judge."""
    scope, patience = example_scope(document.variables), Patience()
    for place, query in _queries(document):
        if patience.is_over:
            yield f"{place}: The queries before it took too long to read."
            return
        if problem := problem_of(query, scope):
            yield f"{place}: {problem}"


def _queries(document: Document) -> Iterator[tuple[str, str]]:
    """Where each stands, and its text."""
    for place, variable in enumerate(document.variables):
        if variable.selector:
            yield f"variables[{place}].selector", variable.selector
    for place, panel in enumerate(document.panels):
        if isinstance(panel, Asking) and not panel.source:
            for number, query in enumerate(panel.queries):
                yield f"panels[{place}].queries[{number}]", query.expr


def problem_of(query: str, scope: Scope) -> str:
    """Why it cannot be asked; empty when it can."""
    try:
        syntax.parse(bind(query, scope), known=KNOWN)
    except CannotBind as error:
        return str(error)
    except InvalidQuery as error:
        return str(error).removeprefix('invalid parameter "query": ')
    return ""


def example_scope(variables: Iterable[Variable]) -> Scope:
    """With one value for each variable, so that queries can be read before any is chosen."""
    chosen, durations = {}, _HOUR.durations()
    for each in variables:
        if each.kind == "interval":
            durations[each.name] = each.values[0]
        else:
            chosen[each.name] = ("example",)
    return Scope(chosen, durations)
