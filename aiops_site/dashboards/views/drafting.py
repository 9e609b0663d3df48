"""What a form sent of a draft, with one deed done to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django import forms
from django.http import QueryDict

from aiops_site.dashboards import arranging
from aiops_site.dashboards.document import Document, NotADashboard, load, read
from aiops_site.dashboards.forms import PanelForm, SettingsForm, values_of
from automation.views.asking import key_of

BLANK = {
    "id": 0,
    "type": "metric",
    "width": 6,
    "height": 3,
    "legend": "below",
    "query": "is:active",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """`form` is open for one panel; `raw` is text that is no dashboard, for its author to mend."""

    document: Document
    settings: SettingsForm
    form: PanelForm | None = None
    problems: list[str] = field(default_factory=list)
    is_json: bool = False
    raw: str = ""
    said: str = ""


def drafted(sent: QueryDict) -> Draft:
    """The settings and an open panel form are taken over with every deed but `cancel`."""
    is_json, text = sent.get("view") == "json", sent.get("document", "")
    deed, _, rest = sent.get("deed", "").partition(":")
    try:
        document = read(text)
    except NotADashboard as error:
        empty = load({"title": "Draft"})
        return Draft(empty, SettingsForm(empty), None, error.problems, is_json=True, raw=text)
    if is_json:
        return _done(document, deed, rest)
    return _from_fields(document, sent, deed, rest)


def _from_fields(document: Document, sent: QueryDict, deed: str, rest: str) -> Draft:
    settings = SettingsForm(document, sent)
    form = PanelForm(sent) if "panel-type" in sent and deed != "cancel" else None
    problems = [*_problems(settings), *(_problems(form) if form else [])]
    if problems:
        return Draft(document, settings, form, problems)
    document = settings.applied()
    try:
        document = arranging.put(document, form.panel) if form else document
    except NotADashboard as error:
        return Draft(document, settings, form, error.problems)
    return _done(document, deed, rest)


def _problems(form: forms.Form) -> Iterator[str]:
    for name, errors in form.errors.items():
        field = form.fields.get(name)
        where = f"{field.label or name.capitalize()}: " if field else ""
        yield from (f"{where}{error}" for error in errors)


def _done(document: Document, deed: str, rest: str) -> Draft:
    number, _, other = rest.partition(":")
    key = key_of(number) or 0
    try:
        document = _arranged(document, deed, key, key_of(other) or 0)
    except NotADashboard as error:
        return Draft(document, SettingsForm(document), None, error.problems)
    panel = document.panel(key)
    form = PanelForm(initial=BLANK) if deed == "add" else None
    if deed == "edit" and panel:
        form = PanelForm(initial=values_of(panel))
    return Draft(
        document, SettingsForm(document), form, is_json=deed == "json", said=_said(document, key)
    )


def _arranged(document: Document, deed: str, number: int, other: int) -> Document:
    if deed == "before":
        return arranging.before(document, number, other)
    return arranging.DEEDS[deed](document, number) if deed in arranging.DEEDS else document


def _said(document: Document, number: int) -> str:
    """For who does not see where the panel is now."""
    for place, panel in enumerate(document.panels, start=1):
        if panel.id == number:
            size = f"{panel.width} wide and {panel.height} high"
            return f"{panel.title or 'The panel'} is {place} of {len(document.panels)}, {size}"
    return ""
