"""The editor. It keeps nothing: the draft travels with the form until it is saved."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from aiops_site.dashboards import keeping
from aiops_site.dashboards.checking import problems_of
from aiops_site.dashboards.document import Document, NotADashboard, dump, load, read
from aiops_site.dashboards.forms import PanelForm, SettingsForm, values_of
from aiops_site.dashboards.keeping import ChangedMeanwhile
from aiops_site.dashboards.models import Dashboard
from aiops_site.dashboards.views import asking
from aiops_site.dashboards.views.drafting import Draft, drafted
from aiops_site.dashboards.views.showing import example_look, inside, rights
from automation import text_difference
from automation.views.asking import PersonRequest, key_of
from telemetry.access import requires

UNPROCESSABLE, CONFLICT = 422, 409
BUTTONS = (
    ("earlier", "left"),
    ("later", "right"),
    ("narrower", "minus"),
    ("wider", "plus"),
    ("shorter", "up"),
    ("taller", "down"),
    ("copy", "copy"),
    ("remove", "trash"),
)


@require_http_methods(["GET", "POST"])
@requires("aiops_site.change_dashboard")
def edit(request: PersonRequest, slug: str) -> HttpResponse:
    """GET shows the newest version, POST saves the draft as the next one."""
    found = asking.find(request, slug)
    if request.method == "GET":
        draft = _first(request, keeping.document_of(found))
        return _page(request, found, draft, found.version)
    draft = drafted(request.POST)
    based_on = key_of(request.POST.get("over") or request.POST.get("version")) or 0
    if draft.problems:
        return _page(request, found, draft, based_on, code=UNPROCESSABLE)
    return _saved(request, found, draft, based_on)


@require_POST
@requires("aiops_site.change_dashboard")
def draft(request: PersonRequest, slug: str) -> HttpResponse:
    """One deed on the draft: `deed` is add, edit:3, put, cancel, json, fields, before:3:7 or one
    of `arranging.DEEDS` with a panel's id."""
    found = asking.find(request, slug)
    changed = drafted(request.POST)
    version = key_of(request.POST.get("version")) or 0
    code = UNPROCESSABLE if changed.problems else 200
    return _page(request, found, changed, version, code=code)


@require_POST
@requires("aiops_site.change_dashboard")
def preview(request: PersonRequest) -> HttpResponse:
    """The panel in the form as it would look, asked for the dashboard's usual time."""
    form = PanelForm(request.POST)
    try:
        document = read(request.POST.get("document", ""))
    except NotADashboard:
        document = load({"title": "Draft"})
    if not form.is_valid():
        problems = [str(each) for errors in form.errors.values() for each in errors]
        return render(request, "dashboards/_problems.html", {"problems": problems})
    return render(
        request, "dashboards/_panel.html", inside(form.panel, example_look(document, request))
    )


def _first(request: PersonRequest, document: Document) -> Draft:
    """`?panel=3` opens the editor with that panel in the form."""
    panel = document.panel(key_of(request.GET.get("panel")) or 0)
    form = PanelForm(initial=values_of(panel)) if panel else None
    return Draft(document, SettingsForm(document), form)


def _saved(request: PersonRequest, found: Dashboard, changed: Draft, based_on: int) -> HttpResponse:
    reason = request.POST.get("reason", "")[:200]
    try:
        saved = keeping.save(
            found, changed.document, based_on=based_on, by=request.user, reason=reason
        )
    except ChangedMeanwhile as error:
        theirs = keeping.document_of(found, error.version)
        conflict = _conflict(theirs, changed.document, error.version)
        return _page(request, found, changed, based_on, code=CONFLICT, **conflict)
    except NotADashboard as error:
        refused = Draft(changed.document, changed.settings, changed.form, error.problems)
        return _page(request, found, refused, based_on, code=UNPROCESSABLE)
    messages.success(request, f"Version {saved.version} is saved.")
    return redirect("dashboard", slug=saved.slug)


def _conflict(theirs: Document, mine: Document, version: int) -> dict[str, Any]:
    lines = text_difference.unified(dump(theirs).decode(), dump(mine).decode())
    return {"newest": version, "lines": lines}


def _page(
    request: PersonRequest,
    found: Dashboard,
    changed: Draft,
    version: int,
    *,
    code: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {
        **rights(request, found),
        "draft": changed,
        "text": dump(changed.document).decode(),
        "version": version,
        "warnings": [] if changed.problems else list(problems_of(changed.document)),
        "deeds": BUTTONS,
        **more,
    }
    part = "dashboards/_editor.html" if request.htmx else "dashboards/edit.html"
    return render(request, part, context, status=code)
