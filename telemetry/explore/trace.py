"""One trace: its waterfall, and one of its spans with all that it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from telemetry import asking
from telemetry.access import requires
from telemetry.data_sources import BUILTIN
from telemetry.explore.asking import LONGEST_SECONDS, is_own
from telemetry.explore.range import between
from telemetry.explore.text import as_duration, moment, one_line, readable
from telemetry.explore.traces import NAMELESS
from telemetry.models import Service
from telemetry.records import Span, SpanEvent
from telemetry.sources.base import SourceFailed
from telemetry.waterfall import Row, Waterfall, waterfall

WIDTH = 1000
DEEPEST = 12
HUES = 6
MOST_ATTRIBUTES = 100
AROUND_MS = 60_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row with its bar, in thousandths of the trace's duration."""

    row: Row
    name: str
    service: str
    indent: int
    hue: int
    x: float
    width: float
    took: str
    begins: str
    self_time: str
    moved: str


@require_GET
@requires("telemetry.view_series")
def trace(request: HttpRequest, trace_id: str) -> HttpResponse:
    """`span` is the one that is shown whole, `under` the one whose descendants alone are drawn."""
    spans, failed = find_spans(trace_id)
    under = request.GET.get("under", "")
    drawn = waterfall(_below(spans, under) if under else spans)
    context: dict[str, Any] = {"trace_id": trace_id, "tab": "traces", "failed": failed}
    if drawn is None:
        return render(request, "explore/trace.html", context, status=200 if failed else 404)
    shown = _span(spans, request.GET.get("span", ""))
    context |= _context(drawn, spans, trace_id) | {"under": under}
    context |= _span_context(shown, trace_id) if shown else {}
    return render(request, "explore/trace.html", context)


@require_GET
@requires("telemetry.view_series")
def span(request: HttpRequest, trace_id: str) -> HttpResponse:
    """A part of the page: the span named `span`."""
    spans, failed = find_spans(trace_id)
    shown = _span(spans, request.GET.get("span", ""))
    context = _span_context(shown, trace_id) if shown else {"failed": failed or "It is not there."}
    code = 200 if shown or failed else 404
    return render(request, "explore/_span.html", context, status=code)


def find_spans(trace_id: str) -> tuple[list[Span], str]:
    """From the console's own store, else from whoever knows it; and why nobody answered."""
    problems = []
    try:
        if found := asking.ask(BUILTIN, lambda source: source.trace(trace_id)):
            return found, ""
    except SourceFailed as error:
        problems.append(str(error))
    if all(map(is_own, asking.sources_that("traces"))):
        return [], " ".join(problems)
    answers = asking.ask_all(
        "traces", lambda source: source.trace(trace_id), seconds=LONGEST_SECONDS
    )
    found = next((answer.value for answer in answers if answer.value), [])
    problems += [
        f"{each.source}: {each.problem}" for each in answers if each.source.pk and each.problem
    ]
    return found, "" if found else " ".join(problems)


def _below(spans: Sequence[Span], span_id: str) -> list[Span]:
    """A span and its descendants; all where there is no such span."""
    children: dict[str, list[Span]] = {}
    for each in spans:
        children.setdefault(each.parent_id, []).append(each)
    found = {each.span_id: each for each in spans if each.span_id == span_id}
    waiting = list(found)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child.span_id not in found:
                found[child.span_id] = child
                waiting.append(child.span_id)
    return list(found.values()) or list(spans)


def _span(spans: Sequence[Span], span_id: str) -> Span | None:
    return next((each for each in spans if each.span_id == span_id), None) if span_id else None


def _context(drawn: Waterfall, spans: Sequence[Span], trace_id: str) -> dict[str, Any]:
    hues = {service: number % HUES for number, service in enumerate(drawn.services)}
    known = set(
        Service.objects.filter(slug__in=drawn.services[:500]).values_list("slug", flat=True)
    )
    root = drawn.rows[0].span
    return {
        "waterfall": drawn,
        "rows": [_drawn(row, drawn.duration_ns, hues) for row in drawn.rows],
        "title": one_line(root.name, 120) or trace_id,
        "root_service": one_line(root.service, 60),
        "at": moment(drawn.start_ns),
        "took": as_duration(drawn.duration_ns),
        "skew": as_duration(drawn.skew_ns),
        "services": [
            (each if each in known else one_line(each, 60), hues[each], each in known)
            for each in drawn.services[:30]
        ],
        "more_services": max(len(drawn.services) - 30, 0),
        "ticks": [as_duration(drawn.duration_ns * part // 4) for part in range(5)],
        "logs_url": _logs_url(trace_id, drawn.start_ns, drawn.start_ns + drawn.duration_ns),
        "width": WIDTH,
    }


def _drawn(row: Row, duration_ns: int, hues: dict[str, int]) -> Drawn:
    whole = duration_ns or 1
    return Drawn(
        row=row,
        name=one_line(row.span.name, 120) or NAMELESS,
        service=one_line(row.span.service, 40),
        indent=min(row.depth, DEEPEST),
        hue=hues[row.span.service],
        x=round(WIDTH * row.start_ns / whole, 2),
        width=round(max(WIDTH * row.span.duration_ns / whole, 2), 2),
        took=as_duration(row.span.duration_ns),
        begins=as_duration(row.start_ns),
        self_time=as_duration(row.self_ns),
        moved=as_duration(abs(row.moved_ns)) if row.moved_ns else "",
    )


def _span_context(shown: Span, trace_id: str) -> dict[str, Any]:
    end_ns = shown.start_ns + shown.duration_ns
    return {
        "span": shown,
        "span_service": one_line(shown.service, 80),
        "span_name": one_line(shown.name, 200) or NAMELESS,
        "span_took": as_duration(shown.duration_ns),
        "span_at": moment(shown.start_ns),
        "message": readable(shown.status_message, 2_000),
        "groups": [
            (words, _readable(attributes), max(len(attributes) - MOST_ATTRIBUTES, 0))
            for words, attributes in (
                ("Attributes", shown.attributes),
                ("Resource", shown.resource),
            )
            if attributes
        ],
        "events": [_event(event, shown.start_ns) for event in shown.events],
        "links": [
            (link, reverse("explore-trace", args=[link.trace_id]))
            for link in shown.links
            if link.trace_id.isalnum() and link.trace_id.isascii()
        ],
        "span_logs_url": _logs_url(trace_id, shown.start_ns, end_ns),
        "is_service_known": Service.objects.filter(slug=shown.service).exists(),
    }


def _event(event: SpanEvent, start_ns: int) -> tuple[str, str, list[tuple[str, str]]]:
    """When, counted from the span's begin; its name; what it says."""
    after = event.at_ns - start_ns
    sign = "-" if after < 0 else "+"
    return (
        f"{sign}{as_duration(abs(after))}",
        one_line(event.name, 200),
        _readable(event.attributes),
    )


def _readable(attributes: Any) -> list[tuple[str, str]]:
    listed = sorted(attributes.items())[:MOST_ATTRIBUTES]
    return [(readable(name, 120), readable(value, 4_000)) for name, value in listed]


def _logs_url(trace_id: str, start_ns: int, end_ns: int) -> str:
    around = between(
        _ms(start_ns) - AROUND_MS, min(_ms(end_ns), _ms(start_ns) + 86_400_000) + AROUND_MS
    )
    return f"{reverse('explore-logs')}?{urlencode([('trace', trace_id), *around])}"


def _ms(at_ns: int) -> int:
    return min(max(at_ns, 10**18), 4 * 10**18) // 10**6
