"""The versions of a dashboard, and what is done with a whole one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from aiops_site.dashboards import keeping
from aiops_site.dashboards.document import dump
from aiops_site.dashboards.views import asking
from aiops_site.dashboards.views.showing import rights
from automation import text_difference
from automation.views.asking import PersonRequest, key_of
from telemetry.access import requires

SHOWN = 50


@require_GET
@requires("aiops_site.view_dashboard")
def versions(request: PersonRequest, slug: str) -> HttpResponse:
    """Who changed it when; `?version=` is compared with the newest."""
    found = asking.find(request, slug)
    number = key_of(request.GET.get("version")) or max(found.version - 1, 1)
    old, new = keeping.document_of(found, number), keeping.document_of(found)
    context = {
        **rights(request, found),
        "versions": found.versions.select_related("author").defer("document")[:SHOWN],
        "number": number,
        "lines": text_difference.unified(dump(old).decode(), dump(new).decode()),
    }
    return render(request, "dashboards/versions.html", context)


@require_POST
@requires("aiops_site.change_dashboard")
def restore(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    restored = keeping.restore(asking.find(request, slug), number, by=request.user)
    messages.success(request, f"Version {number} is now version {restored.version}.")
    return redirect("dashboard", slug=slug)


@require_POST
@requires("aiops_site.add_dashboard")
def copy(request: PersonRequest, slug: str) -> HttpResponse:
    made = keeping.copy(asking.find(request, slug), by=request.user)
    messages.success(request, "This is your copy; nobody else sees it yet.")
    return redirect("dashboard", slug=made.slug)


@require_POST
@requires("aiops_site.change_dashboard")
def share(request: PersonRequest, slug: str) -> HttpResponse:
    """`with` is everyone or nobody; only its owner may say so."""
    found = asking.find(request, slug)
    if not asking.is_owner(request.user, found):
        messages.error(request, "Only its owner says who sees it.")
        return redirect("dashboard", slug=slug)
    keeping.share(found, is_shared=request.POST.get("with") == "everyone")
    messages.success(
        request, "Everyone sees it now." if found.is_shared else "Only you see it now."
    )
    return redirect("dashboard", slug=slug)


@require_POST
@requires("aiops_site.delete_dashboard")
def delete(request: PersonRequest, slug: str) -> HttpResponse:
    found = asking.find(request, slug)
    found.delete()
    messages.success(request, f"{found.title} is deleted.")
    return redirect("dashboards")


@require_GET
@requires("aiops_site.view_dashboard")
def export(request: PersonRequest, slug: str) -> HttpResponse:
    """The document, as a file that can be imported again."""
    found = asking.find(request, slug)
    return HttpResponse(
        dump(keeping.document_of(found)),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{found.slug}.json"'},
    )
