"""Template vocabulary of the shell: display preferences and the navigation."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.urls import NoReverseMatch, reverse

register = template.Library()

PREFERENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "theme": ("auto", "light", "dark"),
    "rail": ("wide", "narrow"),
    "keys": ("on", "off"),
    "density": ("comfortable", "compact"),
    "clock": ("local", "utc"),
}

# Heading, then (URL name, title, icon, key). A page that does not exist yet is left out.
NAVIGATION: Final = (
    (
        "Operate",
        (
            ("incidents", "Incidents", "siren", "g i"),
            ("approvals", "Approvals", "inbox", "g a"),
            ("alerts", "Alerts", "bell", "g l"),
        ),
    ),
    (
        "Understand",
        (
            ("services", "Services", "service", "g s"),
            ("map", "Map", "map", "g m"),
            ("explore", "Explore", "search", "g v"),
            ("anomalies", "Anomalies", "pulse", "g n"),
            ("slos", "SLOs", "target", "g o"),
            ("forecasts", "Forecasts", "trend", "g f"),
            ("costs", "Costs", "coin", "g c"),
        ),
    ),
    (
        "Improve",
        (
            ("runbooks", "Runbooks", "book", "g r"),
            ("policies", "Policies", "shield", "g p"),
            ("knowledge", "Knowledge", "star", "g k"),
            ("gamedays", "Game days", "flag", "g y"),
            ("whatif", "What-if", "flask", "g w"),
            ("dashboards", "Dashboards", "grid", "g d"),
        ),
    ),
    (
        "Run",
        (
            ("estate", "Sample estate", "bolt", "g e"),
            ("sources", "Sources", "plug", "g u"),
            ("audit", "Audit", "list", "g h"),
            ("status", "Status", "check", "g t"),
            ("admin:index", "Admin", "gear", "g x"),
        ),
    ),
)
COUNT_MEANINGS: Final[Mapping[str, str]] = {
    "incidents": "need action",
    "approvals": "waiting",
}


@register.simple_tag(takes_context=True)
def preference(context: Context, name: str) -> str:
    """Read a display preference from its cookie; anything unknown is the default."""
    allowed = PREFERENCES[name]
    request: HttpRequest | None = context.get("request")
    value = request.COOKIES.get(name, "") if request else ""
    return value if value in allowed else allowed[0]


@register.inclusion_tag("partials/rail.html", takes_context=True)
def rail(context: Context) -> dict[str, Any]:
    """List the pages that exist and that this person may open, with what waits in them."""
    request: HttpRequest = context["request"]
    counts = context.get("nav_counts") or {}
    return {"sections": list(_sections(request, counts))}


def _sections(request: HttpRequest, counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for heading, pages in NAVIGATION:
        links = [link for page in pages if (link := _link(request, page, counts))]
        if links:
            yield {"heading": heading, "links": links}


def _link(
    request: HttpRequest, page: tuple[str, str, str, str], counts: Mapping[str, int]
) -> dict[str, Any] | None:
    name, title, symbol, key = page
    url = _existing(name)
    if url is None or (name.startswith("admin:") and not _is_staff(request)):
        return None
    return {
        "url": url,
        "name": name,
        "title": title,
        "icon": symbol,
        "key": key,
        "current": url == _page_of(request.path),
        "count": counts.get(name),
        "meaning": COUNT_MEANINGS.get(name, ""),
    }


def _page_of(path: str) -> str | None:
    """The longest address of a page that the path begins with: the map lies below the services."""
    urls = [_existing(page[0]) for _, pages in NAVIGATION for page in pages]
    above = [url for url in urls if url and url != "/" and path.startswith(url)]
    return max(above, key=len, default=None)


def _existing(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def _is_staff(request: HttpRequest) -> bool:
    return bool(getattr(getattr(request, "user", None), "is_staff", False))
