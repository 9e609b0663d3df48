"""The library of runbooks, one runbook, the difference between two versions, and its text."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from automation import text_difference
from automation.document import load
from automation.document_models import RunbookDocument
from automation.forms import ParametersForm
from automation.models import Remediation, Runbook, RunbookVersion
from automation.views import history, library, previews
from automation.views.asking import PersonRequest
from telemetry.access import requires

RUNS = 20
RISKS = Remediation.Risk.values


@require_GET
@requires("automation.view_runbook")
def runbooks(request: PersonRequest) -> HttpResponse:
    search = library.Search(
        words=request.GET.get("q", "").strip()[:100],
        risk=request.GET.get("risk", ""),
        owner=request.GET.get("owner", "")[:100],
        tag=request.GET.get("tag", "")[:100],
    )
    every = library.shelves()
    context = {
        "shelves": [shelf for shelf in every if search.finds(shelf)],
        "search": search,
        "risks": RISKS,
        "owners": sorted({shelf.runbook.owner for shelf in every} - {""}),
        "tags": sorted({tag for shelf in every for tag in shelf.runbook.tags}),
        "total": len(every),
        "may_add": request.user.is_staff and request.user.has_perm("automation.add_runbook"),
    }
    return render(request, "automation/runbooks.html", context)


@require_GET
@requires("automation.view_runbook")
def runbook(request: PersonRequest, name: str) -> HttpResponse:
    """One version, by default the published one, with a preview of its plan."""
    found = get_object_or_404(Runbook.objects.select_related("published"), name=name)
    version = _version(found, request.GET.get("version"))
    document, problems = load(version.text)
    may_edit = request.user.is_staff and request.user.has_perm("automation.change_runbook")
    context = {
        "runbook": found,
        "shelf": library.shelf_of(found),
        "version": version,
        "document": document,
        "problems": problems,
        "versions": found.versions.select_related("author"),
        "runs": Paginator(library.runs_of(found), RUNS).get_page(request.GET.get("runs")),
        "daily": history.runs_by_day(found, until=timezone.now().date()),
        "policies": found.policies.all(),
        "edit_url": reverse("admin:automation_runbook_change", args=[found.pk]) if may_edit else "",
        **(_preview(request, version, document) if document else {}),
    }
    return render(request, "automation/runbook.html", context)


@require_GET
@requires("automation.view_runbookversion")
def difference(request: PersonRequest, name: str) -> HttpResponse:
    """Between `from` and `to`, by default the last two; `view` is unified or sides."""
    found = get_object_or_404(Runbook, name=name)
    latest = found.versions.first()
    new = _version(found, request.GET.get("to") or (str(latest.number) if latest else None))
    before = found.versions.filter(number__lt=new.number).first()
    old = _version(found, request.GET.get("from") or (str(before.number) if before else "1"))
    is_sides = request.GET.get("view") == "sides"
    context = {
        "runbook": found,
        "old": old,
        "new": new,
        "versions": found.versions.all(),
        "lines": text_difference.unified(old.text, new.text),
        "sides": text_difference.side_by_side(old.text, new.text) if is_sides else None,
    }
    return render(request, "automation/difference.html", context)


@require_GET
@requires("automation.view_runbookversion")
def text(request: PersonRequest, name: str) -> HttpResponse:
    """The YAML, as a file."""
    version = _version(get_object_or_404(Runbook, name=name), request.GET.get("version"))
    filename = f"{name}-v{version.number}.yaml"
    return HttpResponse(
        version.text,
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _version(runbook: Runbook, number: str | None) -> RunbookVersion:
    """The version of that number; without one the published, else the latest."""
    if number:
        wanted = Q(number=int(number)) if number.isdecimal() and len(number) < 9 else Q(pk=None)
        return get_object_or_404(runbook.versions.select_related("author"), wanted)
    version = runbook.published or runbook.versions.first()
    if version is None:
        raise Http404("This runbook has no version yet.")
    return version


def _preview(
    request: PersonRequest, version: RunbookVersion, document: RunbookDocument
) -> dict[str, Any]:
    is_asked = "preview" in request.GET
    form = ParametersForm(document, request.GET if is_asked else None)
    can_plan = is_asked and form.is_valid()
    preview = previews.of_version(version, form.given()) if can_plan else None
    return {"form": form, "preview": preview, "is_previewed": is_asked}
