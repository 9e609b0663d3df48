"""The alerts as they come in, and one of them with everything its sender said."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents import search
from incidents.models import Alert, Message
from incidents.query_tokens import QuerySyntaxError
from incidents.search_languages import ALERTS
from incidents.views.asking import may_respond
from incidents.views.facts import read_pipe
from incidents.views.pages import page_of
from incidents.views.query_text import add_term
from incidents.views.raw_alert import as_json
from telemetry.access import requires

VIEWS = (
    ("firing", "Firing", "is:firing"),
    ("resolved", "Resolved", "is:resolved"),
    ("flapping", "Flapping", "is:flapping"),
    ("all", "All", ""),
)
DEFAULT = VIEWS[0][2]
MOST_LABELS = 5
DELIVERIES = 10
CLOCK_TOLERANCE = timedelta(minutes=5)
_KEY = re.compile(r"[\w./-]+")
_SHOWN_ELSEWHERE = ("alertname", "severity", "service")


@dataclass(frozen=True, slots=True)
class Label:
    """`url` adds it to the search; empty where the language has no word for the key."""

    key: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    alert: Alert
    labels: list[Label]
    more_labels: int


@require_GET
@requires("incidents.view_alert")
def alerts(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", DEFAULT)
    try:
        context = _listing(request, query)
    except QuerySyntaxError as error:
        cut = {"before": query[: error.position], "after": query[error.position :]}
        context = {"query": query, "error": error, "views": _views(query), **cut}
        return render(request, "incidents/alerts.html", context, status=400)
    return render(request, "incidents/alerts.html", context)


@require_GET
@requires("incidents.view_alert")
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    known = Alert.objects.select_related("service", "integration", "incident")
    found = get_object_or_404(known, pk=pk)
    context = {
        "alert": found,
        "labels": list(_labels(found.labels, "")),
        "annotations": sorted((str(k), str(v)) for k, v in found.annotations.items()),
        "source_url": found.url if _is_web(found.url) else "",
        "deliveries": _deliveries(request, found),
        "ahead_seconds": _ahead(found),
        "links": found.links.select_related("incident"),
        "raw": as_json(found),
        "may_respond": may_respond(request),
    }
    return render(request, "incidents/alert.html", context)


def _listing(request: HttpRequest, query: str) -> dict[str, Any]:
    found = search.read(query, ALERTS, by=request.user, at=timezone.now())
    matching = Alert.objects.select_related("service", "integration", "incident")
    page = page_of(
        matching.filter(found.where).defer("fold", "annotations"), request, found.ordering
    )
    rows = [_row(each, query) for each in page.rows]
    return {
        "query": query,
        "views": _views(query),
        "rows": rows,
        "page": page,
        "pipe": None if rows else read_pipe(),
        "is_default": query == DEFAULT,
    }


def _views(query: str) -> list[tuple[str, str, str, bool]]:
    return [(key, title, _url(text), text == query) for key, title, text in VIEWS]


def _row(alert: Alert, query: str) -> Row:
    labels = [each for each in _labels(alert.labels, query) if each.key not in _SHOWN_ELSEWHERE]
    return Row(alert, labels[:MOST_LABELS], max(0, len(labels) - MOST_LABELS))


def _labels(labels: Mapping[str, Any], query: str) -> Iterator[Label]:
    for key, value in sorted(labels.items()):
        text = str(value)
        is_sayable = bool(_KEY.fullmatch(key)) and len(text) < 200
        url = _url(add_term(query, f"label.{key}", text)) if is_sayable else ""
        yield Label(key, text, url)


def _url(query: str) -> str:
    return f"{reverse('alerts')}?{urlencode({'q': query})}"


def _deliveries(request: HttpRequest, alert: Alert) -> list[Message]:
    if alert.integration is None or not request.user.has_perm("incidents.view_message"):
        return []
    return list(alert.integration.messages.defer("body", "headers")[:DELIVERIES])


def _ahead(alert: Alert) -> float | None:
    """By how much the sender's clock runs ahead, where its alert began after it was received."""
    ahead: timedelta = _began(alert) - alert.first_received_at
    return ahead.total_seconds() if ahead > CLOCK_TOLERANCE else None


def _began(alert: Alert) -> datetime:
    return alert.starts_at if alert.event_count <= 1 else min(alert.starts_at, timezone.now())


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False
