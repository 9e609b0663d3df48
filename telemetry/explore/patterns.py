"""Log patterns: what the lines of a stretch have in common, beside the stretch before it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from telemetry.access import requires
from telemetry.explore.asking import search_logs
from telemetry.explore.bars import Bar, sparkline
from telemetry.explore.logs import asked, failure
from telemetry.explore.logs_query import TONES, LogSearch
from telemetry.explore.text import one_line, readable
from telemetry.log_patterns import Pattern, common_words, compare
from telemetry.models import DataSource
from telemetry.records import LogRecord, severity_word
from telemetry.sources.base import SourceFailed
from telemetry.store.logs import MOST_FOUND, KeptLog

MOST_LINES = 3_000
SHOWN = 100
TRENDS = ("new", "rising", "falling", "gone")
WIDTH, HEIGHT = 120, 24


@dataclass(frozen=True, slots=True)
class Shown:
    """`share` in percent of the lines of now; `sample` and `word` are of the newest line."""

    pattern: Pattern
    text: str
    share: float
    word: str
    tone: str
    sample: str
    services: list[str]
    bars: list[Bar]
    search_url: str


@require_GET
@requires("telemetry.view_series")
def patterns(request: HttpRequest) -> HttpResponse:
    """`trend` shows those only that are new, rising, falling or gone."""
    search, source, context = asked(request)
    wanted = request.GET.get("trend", "")
    context |= {"trend": wanted if wanted in TRENDS else "", "is_patterns": True}
    if context["problems"]:
        return render(request, "explore/patterns.html", context, status=400)
    try:
        context |= _compared(source, search, context["trend"])
    except SourceFailed as error:
        context |= failure(error)
    code = 400 if context["problems"] else 200
    return render(request, "explore/patterns.html", context, status=code)


def _compared(source: DataSource, search: LogSearch, trend: str) -> dict[str, Any]:
    now, is_all = _newest(source, search, search.time.start_ns, search.time.end_ns)
    begin = search.time.start_ns if is_all or not now else now[-1].at_ns
    length = search.time.end_ns - begin
    before, _ = _newest(source, search, begin - length - 1, begin - 1)
    found = compare(
        [record.body for record in reversed(now)], [record.body for record in reversed(before)]
    )
    kept = [each for each in found if not before or trend in ("", each.trend)]
    lines = now[::-1]
    return {
        "patterns": [_shown(p, lines, search, begin) for p in kept[:SHOWN]],
        "more": max(len(kept) - SHOWN, 0),
        "trends": _links(found, search, trend) if before else (),
        "line_count": len(now),
        "before_count": len(before),
        "is_all": is_all,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _newest(
    source: DataSource, search: LogSearch, start_ns: int, end_ns: int
) -> tuple[list[LogRecord], bool]:
    """The newest first, at most MOST_LINES; whether those are all."""
    found: list[KeptLog] = []
    while len(found) < MOST_LINES:
        place = (found[-1].record.at_ns, found[-1].id) if found else (end_ns + 1, 0)
        page = search_logs(source, search.query(before=place, start_ns=start_ns), MOST_FOUND)
        found += page
        if len(page) < MOST_FOUND:
            return [kept.record for kept in found], True
    return [kept.record for kept in found[:MOST_LINES]], False


def _shown(pattern: Pattern, lines: list[LogRecord], search: LogSearch, begin: int) -> Shown:
    records = [lines[place] for place in pattern.lines]
    word = severity_word(max((record.severity for record in records), default=0))
    times = [record.at_ns for record in records]
    words = common_words(pattern.text)
    return Shown(
        pattern=pattern,
        text=readable(pattern.text, 600),
        share=100 * pattern.count / (len(lines) or 1),
        word=word if records else "",
        tone=TONES[word],
        sample=one_line(records[-1].body, 400) if records else "",
        services=sorted({one_line(record.service, 40) for record in records})[:5],
        bars=sparkline(times, start=begin, end=search.time.end_ns, width=WIDTH, height=HEIGHT),
        search_url=search.address(q=f'"{words}"') if words and records else "",
    )


def _links(found: list[Pattern], search: LogSearch, chosen: str) -> list[dict[str, Any]]:
    counts = {trend: sum(each.trend == trend for each in found) for trend in TRENDS}
    whole = {"words": "All", "count": len(found), "url": search.address(), "is_chosen": not chosen}
    return [
        whole,
        *(
            {
                "words": trend.capitalize(),
                "count": count,
                "url": search.address(trend=trend),
                "is_chosen": trend == chosen,
            }
            for trend, count in counts.items()
        ),
    ]
