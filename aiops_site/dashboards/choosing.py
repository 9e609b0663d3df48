"""The variables of a dashboard: what may be chosen, and what is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiops_site.dashboards.binding import ALL, CannotBind, Scope, bind
from aiops_site.dashboards.document import Document, Variable
from aiops_site.dashboards.time_range import Range
from telemetry import own_metrics
from telemetry.linear_regex import InvalidPattern
from telemetry.models import Service
from telemetry.promql import asking
from telemetry.promql.errors import QueryError
from telemetry.store.database import Unavailable
from telemetry.store.metrics import Selector

MOST_OPTIONS = 500
LONGEST_VALUE = 200
PREFIX = "var-"
Asked = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable on the page. `problem` says why its values are not known."""

    variable: Variable
    options: list[str]
    chosen: tuple[str, ...]
    problem: str = ""

    @property
    def is_all(self) -> bool:
        return ALL in self.chosen


def asked_in(query: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """`?var-service=checkout&var-service=store` by the variable's name."""
    return {
        name.removeprefix(PREFIX): [value[:LONGEST_VALUE] for value in values if value]
        for name, values in query.items()
        if name.startswith(PREFIX)
    }


def choices(document: Document, asked: Asked, seen: Range) -> list[Choice]:
    """In their order: a later one may depend on those before."""
    found: list[Choice] = []
    for variable in document.variables:
        found.append(_choice(variable, asked.get(variable.name, ()), scope_of(found, seen), seen))
    return found


def scope_of(found: Iterable[Choice], seen: Range) -> Scope:
    """What the queries of the panels are bound with."""
    chosen, durations = {}, seen.durations()
    for each in found:
        if each.variable.kind == "interval" and each.chosen:
            durations[each.variable.name] = each.chosen[0]
        else:
            chosen[each.variable.name] = each.chosen
    return Scope(chosen, durations)


def scope_for(document: Document, asked: Asked, seen: Range) -> Scope:
    """As `choices`, without asking for options where the address says what is chosen."""
    known = [_told(each, asked.get(each.name, ())) for each in document.variables]
    told = [each for each in known if each is not None]
    return scope_of(told if len(told) == len(known) else choices(document, asked, seen), seen)


def _told(variable: Variable, asked: Sequence[str]) -> Choice | None:
    chosen = _chosen(variable, asked, variable.values)
    return Choice(variable, [], chosen) if chosen else None


def _choice(variable: Variable, asked: Sequence[str], scope: Scope, seen: Range) -> Choice:
    options, problem = _options(variable, scope, seen)
    return Choice(variable, options, _chosen(variable, asked, options), problem)


def _chosen(variable: Variable, asked: Sequence[str], options: Sequence[str]) -> tuple[str, ...]:
    """What is asked for, as far as it may be; else the default, else the first there is."""
    if variable.kind in ("list", "interval"):
        asked = [value for value in asked if value in variable.values or _is_all(variable, value)]
    usual = [variable.default] if variable.default else []
    if not usual and options:
        usual = [ALL] if variable.many else [options[0]]
    wanted = tuple(dict.fromkeys(asked)) or tuple(usual)
    if ALL in wanted:
        wanted = (ALL,)
    return wanted[:MOST_OPTIONS] if variable.many else wanted[:1]


def _is_all(variable: Variable, value: str) -> bool:
    return variable.many and value == ALL


def _options(variable: Variable, scope: Scope, seen: Range) -> tuple[list[str], str]:
    if variable.kind == "service":
        slugs = Service.objects.order_by("slug").values_list("slug", flat=True)
        return list(slugs[:MOST_OPTIONS]), ""
    if variable.kind == "label":
        return _label_values(variable, scope, seen)
    return list(variable.values), ""


def _label_values(variable: Variable, scope: Scope, seen: Range) -> tuple[list[str], str]:
    try:
        selectors = _selectors(variable, scope)
        store = own_metrics.store()
        values = store.label_values(variable.label, selectors, seen.start_ms, seen.end_ms)
    except (CannotBind, QueryError, InvalidPattern) as error:
        return [], str(error)
    except Unavailable:
        return [], "The store of metrics does not answer."
    return sorted(filter(None, values))[:MOST_OPTIONS], ""


def _selectors(variable: Variable, scope: Scope) -> list[Selector]:
    return [asking.selector(bind(variable.selector, scope))] if variable.selector else []
