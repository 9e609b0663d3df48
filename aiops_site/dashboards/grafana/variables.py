"""Grafana's template variables as ours, or why there is none like it here."""

import re
from dataclasses import dataclass
from typing import Any

from aiops_site.dashboards.binding import ALL
from aiops_site.dashboards.document import NotADashboard, Variable, load
from aiops_site.dashboards.grafana.shape import GrafanaVariable, at, words

MOST_VALUES = 100
LONGEST_TITLE = 100
LONGEST_QUERY = 2_000
_LABEL_VALUES = re.compile(
    r"\s*label_values\(\s*(?:(?P<selector>.+?)\s*,\s*)?(?P<label>[A-Za-z_]\w*)\s*\)\s*", re.DOTALL
)
_OLD_STYLE = re.compile(r"\[\[([A-Za-z_]\w*)(?::\w+)?\]\]")
_DURATION = re.compile(r"[0-9]{1,6}(ms|s|m|h|d|w)")
_MEANT_FOR_GRAFANA = {
    "datasource": "there is one store here",
    "adhoc": "filters that are added to every query are not known here",
    "switch": "a switch is not known here",
    "groupby": "grouping by choice is not known here",
}


@dataclass(frozen=True, slots=True)
class Converted:
    """One of the two; the reason may also say what was lost."""

    variable: Variable | None
    reason: str = ""


def convert(given: GrafanaVariable) -> Converted:
    if reason := _MEANT_FOR_GRAFANA.get(given.type):
        return Converted(None, reason)
    fields = _fields(given)
    if fields is None:
        return Converted(
            None, f"a variable of the type {given.type or 'none'} like this is not known"
        )
    whole = {
        "name": given.name,
        "title": words(given.label)[:LONGEST_TITLE],
        "many": bool(given.multi or given.include_all),
        "default": _current(given),
        **fields,
    }
    return _checked(whole, given)


def modern(text: str) -> str:
    """With ${name} in place of [[name]]."""
    return _OLD_STYLE.sub(r"${\1}", text)


def _checked(whole: dict[str, Any], given: GrafanaVariable) -> Converted:
    try:
        variable = load({"title": "of a variable", "variables": [whole]}).variables[0]
    except NotADashboard as error:
        return Converted(None, str(error).removeprefix("variables[0]."))
    is_filtered = bool(given.regex) and variable.kind == "label"
    return Converted(variable, "its regex is left out" if is_filtered else "")


def _fields(given: GrafanaVariable) -> dict[str, Any] | None:
    if given.type == "query":
        return _asked(
            words(at(given.query, "query")) or words(given.query) or words(given.definition)
        )
    if given.type in ("custom", "interval", "constant", "textbox"):
        return _listed(given)
    return None


def _asked(query: str) -> dict[str, Any] | None:
    found = _LABEL_VALUES.fullmatch(modern(query[:LONGEST_QUERY]))
    if found is None:
        return None
    return {"kind": "label", "label": found["label"], "selector": found["selector"] or ""}


def _listed(given: GrafanaVariable) -> dict[str, Any] | None:
    """Values are divided by commas; "shown : meant" stands for what is meant."""
    is_one = given.type in ("constant", "textbox")
    texts = [words(given.query)] if is_one else words(given.query).split(",")
    values = [text.split(" : ")[-1].strip() for text in texts]
    values = [value for value in dict.fromkeys(values) if value and not value.startswith("$")]
    if not values:
        return None
    are_durations = all(_DURATION.fullmatch(value) for value in values)
    return {"kind": "interval" if are_durations else "list", "values": values[:MOST_VALUES]}


def _current(given: GrafanaVariable) -> str:
    value = at(given.current, "value")
    first = words(value[0] if isinstance(value, list) and value else value)
    if first == ALL:
        return ALL if given.multi or given.include_all else ""
    return "" if first.startswith("$") else first[:LONGEST_TITLE]
