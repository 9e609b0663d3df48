"""What is known about kinds of trouble, to be searched and read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from incidents import knowledge as knowledge_base
from incidents.models import KnowledgeArticle, KnownFix
from incidents.views.pages import page_of
from telemetry.access import requires

MOST_FOUND = 50
MOST_FIXES = 20


@require_GET
@requires("incidents.view_knowledgearticle")
def knowledge(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:300]
    articles = KnowledgeArticle.objects.select_related("service", "incident")
    page = None if text else page_of(articles, request, ("-updated_at",))
    context = {
        "text": text,
        "articles": knowledge_base.search(text, MOST_FOUND) if page is None else page.rows,
        "page": page,
        "fixes": KnownFix.objects.select_related("service", "last_incident")[:MOST_FIXES],
        "add_url": _admin_url("add") if _may(request, "add") else "",
    }
    return render(request, "incidents/knowledge.html", context)


@require_GET
@requires("incidents.view_knowledgearticle")
def article(request: HttpRequest, pk: int) -> HttpResponse:
    known = KnowledgeArticle.objects.select_related("service", "incident")
    context = {
        "article": get_object_or_404(known, pk=pk),
        "edit_url": _admin_url("change", pk) if _may(request, "change") else "",
    }
    return render(request, "incidents/article.html", context)


def _may(request: HttpRequest, verb: str) -> bool:
    staff = getattr(request.user, "is_staff", False)
    return bool(staff) and request.user.has_perm(f"incidents.{verb}_knowledgearticle")


def _admin_url(verb: str, *args: int) -> str:
    try:
        return reverse(f"admin:incidents_knowledgearticle_{verb}", args=args)
    except NoReverseMatch:
        return ""
