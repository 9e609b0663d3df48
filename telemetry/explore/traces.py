"""Traces: the search for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from telemetry import asking
from telemetry.access import requires
from telemetry.explore.asking import LONGEST_SECONDS, choose
from telemetry.explore.form import read_time, shared
from telemetry.explore.logs import failure, trace_url
from telemetry.explore.range import TimeRange
from telemetry.explore.text import as_duration, moment, one_line
from telemetry.explore.traces_query import TraceSearch, read_trace_search
from telemetry.models import DataSource
from telemetry.sources.base import SourceFailed
from telemetry.store.spans import TraceSummary

SHOWN = 50
NAMELESS = "(no name)"
BAR = 120


@dataclass(frozen=True, slots=True)
class Found:
    """`width` is that of its bar, the longest one's being BAR."""

    trace: TraceSummary
    at: datetime
    name: str
    took: str
    width: float
    services: tuple[str, ...]
    more_services: int
    url: str


@require_GET
@requires("telemetry.view_series")
def traces(request: HttpRequest) -> HttpResponse:
    time_range, problems = read_time(request.GET)
    search, more = read_trace_search(request.GET, request.GET.getlist("attr"), time_range)
    source, sources = choose("traces", search.source)
    context = {
        **shared(request, "traces", source, sources, time_range),
        "search": search,
        "problems": problems | more,
        "filters": search.attributes,
    }
    if context["problems"]:
        return render(request, "explore/traces.html", context, status=400)
    try:
        context |= _found(source, search)
    except SourceFailed as error:
        context |= failure(error)
    return render(request, "explore/traces.html", context)


def _found(source: DataSource, search: TraceSearch) -> dict[str, Any]:
    query = search.query()
    found = asking.ask(source, lambda each: each.traces(query, SHOWN), seconds=LONGEST_SECONDS)
    longest = max((trace.duration_ns for trace in found), default=0) or 1
    older = ""
    if len(found) >= SHOWN:
        until = min(trace.start_ns for trace in found) // 10**6
        rest = TimeRange(min(search.time.start_ms, until - 1), until)
        older = search.address(at=rest)
    return {
        "traces": [_row(trace, longest) for trace in found],
        "older": older,
        "error_count": sum(trace.error_count > 0 for trace in found),
        "bar": BAR,
    }


def _row(trace: TraceSummary, longest: int) -> Found:
    return Found(
        trace=trace,
        at=moment(trace.start_ns),
        name=f"{one_line(trace.root_service, 60)}: {one_line(trace.root_name, 120) or NAMELESS}",
        took=as_duration(trace.duration_ns),
        width=round(max(BAR * trace.duration_ns / longest, 1), 1),
        services=tuple(one_line(each, 40) for each in trace.services[:4]),
        more_services=max(len(trace.services) - 4, 0),
        url=trace_url(trace.trace_id),
    )
