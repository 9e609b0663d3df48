"""The dashboards there are, and a new one."""

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from aiops_site.dashboards import keeping
from aiops_site.dashboards.document import Document, NotADashboard, load
from aiops_site.dashboards.models import Dashboard
from automation.views.asking import PersonRequest
from telemetry.access import requires

SHOWN = 50
TABS = (("", "All"), ("mine", "Mine"), ("shared", "Shared"), ("starter", "Starters"))


@require_GET
@requires("aiops_site.view_dashboard")
def dashboards(request: PersonRequest) -> HttpResponse:
    """`?q=` are words of the title or description; `?show=` mine, shared or starter."""
    words, show = request.GET.get("q", "").strip()[:100], request.GET.get("show", "")
    every = Dashboard.objects.visible_to(request.user).select_related("owner")
    found = _narrowed(every, request.user.pk, show)
    for word in words.split():
        found = found.filter(Q(title__icontains=word) | Q(description__icontains=word))
    context = {
        "page": Paginator(found, SHOWN).get_page(request.GET.get("page")),
        "words": words,
        "show": show,
        "tabs": TABS,
        "total": every.count(),
        "may_add": request.user.has_perm("aiops_site.add_dashboard"),
    }
    return render(request, "dashboards/list.html", context)


@require_http_methods(["GET", "POST"])
@requires("aiops_site.add_dashboard")
def new(request: PersonRequest) -> HttpResponse:
    """An empty one with a title, and on to its editor."""
    if request.method == "GET":
        return render(request, "dashboards/new.html", {"title": ""})
    title = " ".join(request.POST.get("title", "").split())
    try:
        document: Document = load({"title": title})
    except NotADashboard as error:
        context = {"title": title, "problems": error.problems}
        return render(request, "dashboards/new.html", context, status=422)
    is_shared = request.POST.get("sharing") == "everyone"
    made = keeping.create(document, owner=request.user, is_shared=is_shared)
    return redirect("dashboard-edit", slug=made.slug)


def _narrowed(every: QuerySet[Dashboard], owner: int, show: str) -> QuerySet[Dashboard]:
    if show == "mine":
        return every.filter(owner=owner)
    if show == "shared":
        return every.filter(is_shared=True, is_starter=False)
    return every.filter(is_starter=True) if show == "starter" else every
