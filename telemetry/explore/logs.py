"""Log search: the lines, how many there are over time, and whether there are newer ones."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from telemetry.access import requires
from telemetry.explore.asking import MOST_COUNTED, choose, count_logs, is_own, search_logs
from telemetry.explore.bars import STEPS, stacked
from telemetry.explore.form import read_time, shared
from telemetry.explore.logs_query import (
    SEVERITIES,
    TONES,
    LogSearch,
    read_place,
    read_search,
)
from telemetry.explore.range import TimeRange, nice_step
from telemetry.explore.text import moment, one_line, readable
from telemetry.models import DataSource
from telemetry.records import LogRecord, severity_word
from telemetry.sources.base import SourceFailed
from telemetry.store.logs import KeptLog

PAGE = 40  # with what each opens to, a page keeps within 3,000 elements
LINE_CHARACTERS = 300
BODY_CHARACTERS = 8_000
VALUE_CHARACTERS = 500
MOST_ATTRIBUTES = 40
AROUND_MS = 30_000
WIDTH, HEIGHT = 600, 48
ORDER = ("unknown", "trace", "debug", "info", "warning", "error", "fatal")


@dataclass(frozen=True, slots=True)
class Line:
    """A record as the page shows it."""

    record: LogRecord
    at: datetime
    clock: str
    number: str
    service: str
    word: str
    tone: str
    short: str
    body: str
    attributes: list[tuple[str, str, str]]  # name, value, a search for it
    more_attributes: int
    trace_url: str
    same_trace: str
    around_url: str
    service_url: str


@require_GET
@requires("telemetry.view_series")
def logs(request: HttpRequest) -> HttpResponse:
    """`before` is the place of the last line of the page before."""
    search, source, context = asked(request)
    before = read_place(request.GET.get("before", ""))
    context |= {"is_first": before is None, "is_paused": request.GET.get("pause") == "1"}
    if context["problems"]:
        return render(request, "explore/logs.html", context, status=400)
    try:
        found = search_logs(source, search.query(before=before), PAGE + 1)
    except SourceFailed as error:
        return render(request, "explore/logs.html", context | failure(error), status=_code(error))
    context["lines"] = [line_of(n, kept, search) for n, kept in enumerate(found[:PAGE], 1)]
    if found:
        is_live = is_own(source) and search.time.seconds is not None and before is None
        context |= _around(found, search, is_live=is_live)
    return render(request, "explore/logs.html", context)


@require_GET
@requires("telemetry.view_series")
def counts(request: HttpRequest) -> HttpResponse:
    """A part of the page: the lines over time by severity."""
    search, source, context = asked(request)
    step_s = nice_step((search.time.end_ms - search.time.start_ms) / 1000, STEPS)
    try:
        found = [] if context["problems"] else count_logs(source, search.query(), step_s * 10**9)
    except SourceFailed as error:
        return render(request, "explore/_failed.html", failure(error))
    return render(request, "explore/_counts.html", _histogram(found, search.time, step_s, source))


@require_GET
@requires("telemetry.view_series")
def newer(request: HttpRequest) -> HttpResponse:
    """A part of the page: how many lines came since its newest, whose time is `since`, in ns."""
    search, source, context = asked(request)
    since = read_place(f"{request.GET.get('since', '')}.0")
    count = 0
    if since and not context["problems"]:
        query = search.query(start_ns=since[0] + 1)
        try:
            count = sum(n for _, _, n in count_logs(source, query, 3_600 * 10**9))
        except SourceFailed as error:
            return render(request, "explore/_failed.html", failure(error))
    return render(request, "explore/_newer.html", {"count": count, "search": search})


def asked(request: HttpRequest) -> tuple[LogSearch, DataSource, dict[str, Any]]:
    """What all pages about logs begin with. Raises Http404 for a source there is not."""
    time_range, problems = read_time(request.GET)
    search, more = read_search(request.GET, request.GET.getlist("attr"), time_range)
    source, sources = choose("logs", search.source)
    context = {
        **shared(request, "logs", source, sources, time_range),
        "search": search,
        "problems": problems | more,
        "severities": SEVERITIES,
        "filters": [(n, v, search.without_attribute(n)) for n, v in search.attributes],
    }
    return search, source, context


def failure(error: SourceFailed) -> dict[str, Any]:
    """A question that was wrong belongs to its field; else the source is what failed."""
    if error.is_about_question:
        return {"problems": {"q": str(error)}, "failed": str(error)}
    return {"failed": str(error)}


def line_of(number: int, kept: KeptLog, search: LogSearch) -> Line:
    record = kept.record
    at = moment(record.at_ns)
    word = severity_word(record.severity)
    attributes = sorted(record.attributes.items())
    return Line(
        record=record,
        at=at,
        clock=f"{at:%H:%M:%S}.{record.at_ns // 10**6 % 1000:03d}",
        number=str(number),
        service=one_line(record.service, 60),
        word=word,
        tone=TONES[word],
        short=one_line(record.body, LINE_CHARACTERS) or "(an empty line)",
        body=readable(record.body, BODY_CHARACTERS),
        attributes=[
            (
                readable(name, 100),
                readable(value, VALUE_CHARACTERS),
                search_for(search, name, value),
            )
            for name, value in attributes[:MOST_ATTRIBUTES]
        ],
        more_attributes=max(len(attributes) - MOST_ATTRIBUTES, 0),
        trace_url=trace_url(record.trace_id),
        same_trace=LogSearch(search.time, trace=record.trace_id, source=search.source).address(),
        around_url=_lines_around(record, search.source),
        service_url=search.address(service=record.service),
    )


def _lines_around(record: LogRecord, source: str) -> str:
    """All lines of the service shortly before and after."""
    at_ms = int(moment(record.at_ns).timestamp() * 1000)
    around = TimeRange(at_ms - AROUND_MS, at_ms + AROUND_MS)
    return LogSearch(around, service=record.service, source=source).address()


def search_for(search: LogSearch, name: str, value: str) -> str:
    """Empty for what no search could say."""
    is_sayable = "=" not in name and len(name) + len(value) < VALUE_CHARACTERS
    has_room = name in dict(search.attributes) or len(search.attributes) < MOST_ATTRIBUTES
    return search.with_attribute(name, value) if is_sayable and has_room and name.strip() else ""


def trace_url(trace_id: str) -> str:
    is_known = trace_id and len(trace_id) <= 64 and trace_id.isalnum() and trace_id.isascii()
    return reverse("explore-trace", args=[trace_id]) if is_known else ""


def _around(found: list[KeptLog], search: LogSearch, *, is_live: bool) -> dict[str, Any]:
    """The ways to older lines and to newer ones, which only our own store is asked for again and
    again."""
    last = found[min(len(found), PAGE) - 1]
    place = f"{last.record.at_ns}.{last.id}"
    return {
        "older": search.address(before=place) if len(found) > PAGE else "",
        "since": found[0].record.at_ns if is_live else 0,
    }


def _histogram(
    found: list[tuple[int, int, int]], span: TimeRange, step_s: int, source: DataSource
) -> dict[str, Any]:
    step_ns = step_s * 10**9
    start = span.start_ns // step_ns * step_ns
    steps = max((span.end_ns - start) // step_ns + 1, 1)
    worded = [(at, severity_word(severity), count) for at, severity, count in found]
    totals: Counter[str] = Counter()
    for _, word, count in worded:
        totals[word] += count
    bars = stacked(
        worded, start=start, step=step_ns, steps=steps, order=ORDER, width=WIDTH, height=HEIGHT
    )
    return {
        "bars": [(bar, TONES[bar.kind]) for bar in bars],
        "totals": [(word, TONES[word], totals[word]) for word in reversed(ORDER) if totals[word]],
        "total": totals.total(),
        "step_s": step_s,
        "is_sample": not is_own(source) and totals.total() >= MOST_COUNTED,
        "most": MOST_COUNTED,
        "width": WIDTH,
        "height": HEIGHT,
        "time": span,
    }


def _code(error: SourceFailed) -> int:
    return 400 if error.is_about_question else 200
