"""A dashboard with its panels, each of which is asked for and fails on its own."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from aiops_site.dashboards import answers, choosing, keeping
from aiops_site.dashboards.binding import Scope, bind_text
from aiops_site.dashboards.document import Panel
from aiops_site.dashboards.models import Dashboard
from aiops_site.dashboards.views import asking
from automation.views.asking import PersonRequest
from telemetry.access import requires

PRESETS = (
    ("now-15m", "Last 15 minutes"),
    ("now-1h", "Last hour"),
    ("now-6h", "Last 6 hours"),
    ("now-24h", "Last 24 hours"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
)
RATE_WORDS = (
    (0, "No refresh"),
    (10, "Every 10 s"),
    (30, "Every 30 s"),
    (60, "Every minute"),
    (300, "Every 5 minutes"),
)


@require_GET
@requires("aiops_site.view_dashboard")
def dashboard(request: PersonRequest, slug: str) -> HttpResponse:
    """`?from=now-6h&to=now&refresh=30&var-service=checkout&kiosk=1` is the whole state."""
    found = asking.find(request, slug)
    document = keeping.document_of(found)
    asked = asking.asked(request, document)
    chosen = choosing.choices(document, asked.variables, asked.seen)
    scope = choosing.scope_of(chosen, asked.seen)
    told = {each.variable.name: each.chosen for each in chosen}
    context = {
        **rights(request, found),
        "document": document,
        "asked": asked,
        "choices": chosen,
        "query": _query(asked, told),
        "panels": [(panel, bind_text(panel.title, scope)) for panel in document.panels],
        "presets": PRESETS,
        "is_preset": asked.seen.source in dict(PRESETS) and asked.seen.is_live,
        "rates": RATE_WORDS,
    }
    return render(request, "dashboards/dashboard.html", context)


@require_GET
@requires("aiops_site.view_dashboard")
def panel(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """One panel: for htmx its inside alone, else a page of its own."""
    found = asking.find(request, slug)
    document = keeping.document_of(found)
    shown = document.panel(number)
    if shown is None:
        raise Http404("This panel is not there any more.")
    asked = asking.asked(request, document)
    scope = choosing.scope_for(document, asked.variables, asked.seen)
    look = answers.Look(asked.seen, scope, request.user)
    context = {"retry_url": request.get_full_path(), **inside(shown, look)}
    if request.htmx:
        return render(request, "dashboards/_panel.html", context, status=context["code"])
    page = {"dashboard": found, "title": bind_text(shown.title, scope), "query": asked.query}
    return render(request, "dashboards/panel.html", {**context, **page}, status=context["code"])


def inside(shown: Panel, look: answers.Look) -> dict[str, Any]:
    """For `dashboards/_panel.html`; `code` is 422 when there is nothing to show but the reason."""
    facts = {"panel": shown, "part": f"dashboards/panels/{shown.type}.html", "code": 200}
    try:
        return {**facts, **answers.facts_of(shown, look)}
    except answers.CannotShow as error:
        return {**facts, "reason": str(error), "code": 422}


def example_look(document: Any, request: PersonRequest) -> answers.Look:
    """As somebody sees it who has chosen nothing."""
    asked = asking.asked(request, document)
    scope: Scope = choosing.scope_for(document, {}, asked.seen)
    return answers.Look(asked.seen, scope, request.user)


def rights(request: PersonRequest, found: Dashboard) -> dict[str, Any]:
    user = request.user
    return {
        "dashboard": found,
        "may_change": user.has_perm("aiops_site.change_dashboard"),
        "may_copy": user.has_perm("aiops_site.add_dashboard"),
        "may_delete": user.has_perm("aiops_site.delete_dashboard"),
        "is_owner": asking.is_owner(user, found),
    }


def _query(asked: asking.Asked, told: dict[str, tuple[str, ...]]) -> str:
    """Of a panel's address: with what is chosen, so that none needs to find out again."""
    times = [("from", asked.seen.source), ("to", asked.seen.until)]
    chosen = [(f"{choosing.PREFIX}{n}", value) for n, values in told.items() for value in values]
    return urlencode(times + chosen)
