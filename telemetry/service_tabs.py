"""The pages of one service: a tab each, with an address of its own."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from telemetry import asking
from telemetry.access import requires
from telemetry.change_verdicts import verdicts_of
from telemetry.changes import label_of
from telemetry.chart_loading import as_moment
from telemetry.forms import ServiceForm, WatchForm
from telemetry.models import Anomaly, Change, Dependency, Series, Service
from telemetry.records import LogRecord
from telemetry.sources.base import Source
from telemetry.store.logs import LogQuery
from telemetry.vital_signs import KINDS, vitals_of

TABS = {
    "overview": "Overview",
    "metrics": "Metrics",
    "logs": "Logs",
    "changes": "Changes",
    "dependencies": "Dependencies",
    "incidents": "Incidents",
    "settings": "Settings",
}
HINTS = {
    "latency": "a histogram such as http.server.request.duration",
    "errors": "a counter with “error” in its name",
    "traffic": "http.server.request.duration, or a counter of requests",
    "saturation": "memory, CPU, active requests or a queue's length",
}
CHANGE_ICONS = {  # as in chart_events.js
    "deploy": "deploy",
    "config": "gear",
    "flag": "flag",
    "scale": "trend",
    "restart": "refresh",
}
MOST_OTHERS = 200
SHOWN_ANOMALIES = SHOWN_CHANGES = 10
SERIES_A_PAGE = 12
CHANGES_A_PAGE = 20
MOST_LINES = 50
LOG_SECONDS = 3.0
A_DAY_NS = 86_400 * 10**9
ERROR = 17  # OpenTelemetry's number


@dataclass(frozen=True, slots=True)
class Line:
    """An error in the log of a service."""

    at: Any
    record: LogRecord
    source: str


@require_GET
@requires("telemetry.view_service")
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    shown = find(slug)
    vitals = vitals_of([shown.pk], timezone.now()).get(shown.pk, {})
    signs = [vitals[kind] for kind in KINDS if kind in vitals]
    has_wide = len(signs) % 2 == 1  # in two columns none stands alone
    anomalies = Anomaly.objects.filter(series__service=shown).select_related("series")
    context = {
        "charts": [(sign, has_wide and not index) for index, sign in enumerate(signs)],
        "missing": [(kind, HINTS[kind]) for kind in KINDS if kind not in vitals],
        "callees": shown.calls.order_by("slug"),
        "callers": shown.called_by.order_by("slug"),
        "anomalies": anomalies[:SHOWN_ANOMALIES],
        "changes": [
            (each, label_of(each), CHANGE_ICONS.get(each.kind, "edit"))
            for each in _changes(shown)[:SHOWN_CHANGES]
        ],
    }
    return draw(request, shown, "overview", context)


@require_GET
@requires("telemetry.view_series")
def metrics(request: HttpRequest, slug: str) -> HttpResponse:
    shown = find(slug)
    rows = shown.series.select_related("service", "watch").order_by("name", "pk")
    page = Paginator(rows, SERIES_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "series": [(each, _watch_form(each)) for each in page]}
    return draw(request, shown, "metrics", context)


@require_GET
@requires("telemetry.view_service")
def logs(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest errors of a day. A source that does not answer is named, and the rest is shown."""
    shown = find(slug)
    names = list(dict.fromkeys((shown.title, shown.slug)))
    answers = asking.ask_all("logs", _errors_of(names), seconds=LOG_SECONDS)
    lines = [
        Line(as_moment(record.at_ns // 10**6), record, str(answer.source))
        for answer in answers
        for record in answer.value or []
    ]
    context = {
        "lines": sorted(lines, key=lambda line: -line.record.at_ns)[:MOST_LINES],
        "failed": [answer for answer in answers if answer.problem],
        "logged_as": shown.title,
    }
    return draw(request, shown, "logs", context)


@require_GET
@requires("telemetry.view_change")
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    shown = find(slug)
    page = Paginator(_changes(shown), CHANGES_A_PAGE).get_page(request.GET.get("page"))
    verdicts = verdicts_of(shown, list(page))
    rows = [(each, label_of(each), verdicts[each.pk]) for each in page]
    return draw(request, shown, "changes", {"page": page, "rows": rows})


@require_GET
@requires("telemetry.view_dependency")
def dependencies(request: HttpRequest, slug: str) -> HttpResponse:
    shown = find(slug)
    outgoing = shown.outgoing.select_related("callee").order_by("callee__slug")
    known = [shown.pk, *(edge.callee_id for edge in outgoing)]
    context = {
        "outgoing": [(edge, edge.callee) for edge in outgoing],
        "incoming": [(edge, edge.caller) for edge in _incoming(shown)],
        "others": Service.objects.exclude(pk__in=known).order_by("slug")[:MOST_OTHERS],
        "may_connect": request.user.has_perm("telemetry.add_dependency"),
    }
    return draw(request, shown, "dependencies", context)


@require_GET
@requires("telemetry.view_service")
def incidents(request: HttpRequest, slug: str) -> HttpResponse:
    """The app above this one knows them, and its template tag brings them."""
    return draw(request, find(slug), "incidents", {})


@require_GET
@requires("telemetry.view_service")
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    shown = find(slug)
    return draw(request, shown, "settings", {"form": ServiceForm(instance=shown)})


def draw(
    request: HttpRequest, shown: Service, tab: str, context: Mapping[str, Any], *, code: int = 200
) -> HttpResponse:
    every = {
        "service": shown,
        "tab": tab,
        "tab_title": TABS[tab],
        "tab_template": f"services/tab_{tab}.html",
        "tabs": [(key, title, address(shown.slug, key)) for key, title in TABS.items()],
        "may_change": request.user.has_perm("telemetry.change_service"),
        "may_watch": request.user.has_perm("telemetry.change_watch"),
        **context,
    }
    return render(request, "services/detail.html", every, status=code)


def address(slug: str, tab: str) -> str:
    return reverse("service" if tab == "overview" else f"service-{tab}", args=[slug])


def find(slug: str) -> Service:
    return get_object_or_404(Service, slug=slug)


def _changes(shown: Service) -> QuerySet[Change]:
    return Change.objects.filter(service=shown).order_by("-began_at", "-pk")


def _incoming(shown: Service) -> QuerySet[Dependency]:
    return shown.incoming.select_related("caller").order_by("caller__slug")


def _watch_form(series: Series) -> WatchForm | None:
    watch = getattr(series, "watch", None)
    return WatchForm(instance=watch, auto_id=f"watch-{series.pk}-%s") if watch else None


def _errors_of(names: list[str]) -> asking.Question[list[LogRecord]]:
    now = time.time_ns()
    query = partial(LogQuery, start_ns=now - A_DAY_NS, end_ns=now, least_severity=ERROR)

    async def ask(source: Source) -> list[LogRecord]:
        found: list[LogRecord] = []
        for name in names:
            found += await source.logs(query(service=name), MOST_LINES)
        return found

    return ask
