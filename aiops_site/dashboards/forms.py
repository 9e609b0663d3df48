"""A dashboard and one of its panels as fields to fill in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from aiops_site.dashboards.document import (
    Asking,
    Document,
    NotADashboard,
    Panel,
    load,
    plain,
)

TYPES = (
    ("metric", "Metric over time"),
    ("stat", "Single values"),
    ("table", "Table"),
    ("logs", "Logs"),
    ("incidents", "Incidents"),
    ("topology", "Service map"),
    ("markdown", "Text"),
)
TIMES = (
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
    ("30d", "30 days"),
)
RATES = (
    (0, "Not by itself"),
    (10, "Every 10 s"),
    (30, "Every 30 s"),
    (60, "Every minute"),
    (300, "Every 5 minutes"),
)
OF_TYPE = {
    "metric": ("queries", "unit", "thresholds", "source", "legend"),
    "stat": ("queries", "unit", "thresholds", "source"),
    "table": ("queries", "unit", "thresholds", "source"),
    "logs": ("text", "service", "least"),
    "incidents": ("query",),
    "topology": ("service",),
    "markdown": ("markdown",),
}


def _lines(rows: int) -> forms.Textarea:
    return forms.Textarea({"rows": rows, "spellcheck": "false", "class": "mono"})


class Prose(forms.CharField):
    """Browsers send every end of a line as two letters; a document has one."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class SettingsForm(forms.Form):
    """What belongs to the dashboard and to none of its panels."""

    title = forms.CharField(max_length=120)
    description = Prose(max_length=2_000, required=False, widget=forms.Textarea({"rows": 2}))
    time = forms.ChoiceField(choices=TIMES, label="Shows the last")
    refresh_seconds = forms.TypedChoiceField(choices=RATES, coerce=int, label="Refreshes")

    def __init__(self, document: Document, sent: Any = None) -> None:
        names = ("title", "description", "time", "refresh_seconds")
        super().__init__(sent, initial={name: getattr(document, name) for name in names})
        self.document = document
        if document.time not in dict(TIMES):
            self.fields["time"] = forms.ChoiceField(
                choices=((document.time, document.time), *TIMES), label="Shows the last"
            )

    def applied(self) -> Document:
        """Only for a valid form. Raises NotADashboard."""
        return load({**plain(self.document), **self.cleaned_data})


class PanelForm(forms.Form):
    """Every kind of panel in one; the page shows the fields of the kind that is chosen."""

    id = forms.IntegerField(min_value=0, max_value=999_999, widget=forms.HiddenInput)
    type = forms.ChoiceField(choices=TYPES, label="Kind")
    title = forms.CharField(max_length=200, required=False)
    queries = forms.CharField(
        required=False, widget=_lines(4), label="Queries", help_text="PromQL, one a line."
    )
    legends = forms.CharField(
        required=False,
        widget=_lines(2),
        label="Names",
        help_text="For the query of the same line, such as {{service}} p95.",
    )
    unit = forms.CharField(
        max_length=100, required=False, help_text="For example s, ms, By, By/s, %, /s."
    )
    thresholds = forms.CharField(
        required=False,
        widget=_lines(2),
        help_text="One a line: a number and critical, high or medium.",
    )
    source = forms.CharField(
        max_length=100, required=False, help_text="Empty asks the console's own store."
    )
    legend = forms.ChoiceField(choices=(("below", "Below"), ("none", "None")), required=False)
    text = forms.CharField(
        max_length=200, required=False, label="Words", help_text="All must occur."
    )
    service = forms.CharField(
        max_length=100, required=False, help_text="Empty stands for all of them."
    )
    least = forms.ChoiceField(
        choices=(("any", "Any"), ("info", "Info"), ("warning", "Warning"), ("error", "Error")),
        required=False,
        label="At least",
    )
    query = forms.CharField(
        max_length=512, required=False, label="Search", help_text="As over the list of incidents."
    )
    markdown = Prose(required=False, widget=_lines(6), label="Text in Markdown")
    width = forms.IntegerField(min_value=1, max_value=12, help_text="Of 12 columns.")
    height = forms.IntegerField(min_value=1, max_value=10, help_text="Rows of 80 pixels.")
    prefix = "panel"

    def clean(self) -> dict[str, Any]:
        """The document's own rules decide."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                cleaned["panel"] = _panel(cleaned)
            except NotADashboard as error:
                problems = [each.removeprefix("panels[0].") for each in error.problems]
                raise ValidationError(problems) from error
        return cleaned

    @property
    def panel(self) -> Panel:
        """Only for a valid form."""
        found: Panel = self.cleaned_data["panel"]
        return found


def values_of(panel: Panel) -> dict[str, Any]:
    """What the form shows of a panel at first."""
    values = panel.model_dump()
    if isinstance(panel, Asking):
        values["queries"] = "\n".join(_on_one_line(each.expr) for each in panel.queries)
        values["legends"] = "\n".join(each.legend for each in panel.queries)
        values["thresholds"] = "\n".join(
            f"{each.value:g} {each.level}" for each in panel.thresholds
        )
    if panel.type == "markdown":
        values["markdown"] = values.pop("text")
    return values


def _on_one_line(expression: str) -> str:
    """A comment would reach to the end of it."""
    lines = (
        line.split(" #")[0] if line.lstrip()[:1] != "#" else "" for line in expression.split("\n")
    )
    return " ".join(" ".join(lines).split())


def _panel(cleaned: dict[str, Any]) -> Panel:
    kind = cleaned["type"]
    values = {name: cleaned[name] for name in ("id", "type", "title", "width", "height")}
    for name in OF_TYPE[kind]:
        values |= _FIELDS[name](cleaned) if name in _FIELDS else _said(name, cleaned[name])
    panel = load({"title": "of a panel", "panels": [values]}).panels[0]
    return panel.model_copy(update={"id": cleaned["id"]})


def _said(name: str, value: str) -> dict[str, str]:
    """What was left empty is as it is by itself."""
    return {name: value} if value else {}


def _queries(cleaned: dict[str, Any]) -> dict[str, Any]:
    legends = [line.strip() for line in cleaned["legends"].splitlines()]
    found = []
    for place, line in enumerate(cleaned["queries"].splitlines()):
        if line.strip():
            legend = legends[place] if place < len(legends) else ""
            found.append({"expr": line.strip(), "legend": legend})
    return {"queries": found}


def _thresholds(cleaned: dict[str, Any]) -> dict[str, Any]:
    return {"thresholds": [_threshold(line) for line in cleaned["thresholds"].splitlines() if line]}


def _threshold(line: str) -> dict[str, Any]:
    number, _, level = line.strip().partition(" ")
    try:
        return {"value": float(number), "level": level.strip() or "critical"}
    except ValueError as error:
        raise NotADashboard([f"{line.strip()[:40]!r} does not begin with a number."]) from error


def _markdown(cleaned: dict[str, Any]) -> dict[str, Any]:
    return {"text": cleaned["markdown"]}


_FIELDS = {"queries": _queries, "thresholds": _thresholds, "markdown": _markdown}
