"""The metric explorer: a question in PromQL, its answer drawn, in a table, and as CSV."""

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from telemetry import asking
from telemetry.access import requires
from telemetry.data_sources import language_of
from telemetry.explore.asking import LONGEST_SECONDS, choose
from telemetry.explore.filters import Facet, facets_of
from telemetry.explore.form import read_time, shared
from telemetry.explore.lines import (
    MOST_DRAWN,
    Line,
    common_labels,
    figure_of,
    line_name,
    lines_of,
    unit_of,
)
from telemetry.explore.range import TimeRange, nice_step
from telemetry.explore.text import moment
from telemetry.explore.watched import Watched, watched_like
from telemetry.models import DataSource
from telemetry.plot_style import look_of
from telemetry.sources.base import SourceFailed, Stretch
from telemetry.units import format_value

MOST_QUERY = 4_000
MOST_STEPS = 1_500
USUAL_STEPS = 300
LISTED = 200
MOST_COLUMNS = 500
EXAMPLES = (
    ("Requests a second", "sum by (job) (rate(http_server_request_duration_seconds_count[1m]))"),
    (
        "p95 latency",
        "histogram_quantile(0.95, sum by (job, le) "
        "(rate(http_server_request_duration_seconds_bucket[1m])))",
    ),
    ("Memory in use", "process_memory_usage_bytes"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """`step_s` is None where the console chooses."""

    text: str
    time: TimeRange
    source: str
    step_s: int | None

    @property
    def step(self) -> int:
        length = (self.time.end_ms - self.time.start_ms) / 1000
        return max(self.step_s or 0, nice_step(length, MOST_STEPS if self.step_s else USUAL_STEPS))

    def address(self, text: str | None = None) -> str:
        parts = {
            "q": self.text if text is None else text,
            "source": self.source,
            "step": str(self.step_s or ""),
        }
        pairs = [(name, value) for name, value in parts.items() if value]
        return "?" + urlencode([*pairs, *self.time.parameters])


@dataclass(frozen=True, slots=True)
class Row:
    """A series in the table; `look` is that of its line, empty where none is drawn."""

    name: str
    value: str
    exact: float
    at: datetime
    colour: str
    dash: str


@require_GET
@requires("telemetry.view_series")
def start(request: HttpRequest) -> HttpResponse:
    return redirect("explore-metrics")


@require_GET
@requires("telemetry.view_series")
def metrics(request: HttpRequest) -> HttpResponse:
    question, source, context = _asked(request)
    if context["problems"]:
        return render(request, "explore/metrics.html", context, status=400)
    if not question.text:
        return render(request, "explore/metrics.html", context | {"examples": _examples(question)})
    code = 200
    try:
        context |= _answer(source, question)
    except SourceFailed as error:
        if error.is_about_question:
            context["problems"], code = {"q": str(error)}, 400
        else:
            context["failed"] = str(error)
    return render(request, "explore/metrics.html", context, status=code)


@require_GET
@requires("telemetry.view_series")
def csv_file(request: HttpRequest) -> HttpResponse:
    """A row for each step, a column for each of at most MOST_COLUMNS series."""
    question, source, context = _asked(request)
    if context["problems"] or not question.text:
        return HttpResponse("Write a question.", status=400, content_type="text/plain")
    try:
        lines = _lines(source, question)
    except SourceFailed as error:
        status = 400 if error.is_about_question else 503
        return HttpResponse(str(error), status=status, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(as_csv(lines[:MOST_COLUMNS]), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="metrics.csv"'
    return answer


def as_csv(lines: Sequence[Line]) -> str:
    """Times in ISO 8601; a name that a spreadsheet would take for a formula begins with '."""
    common = common_labels(lines)
    names = [line_name(line, common) for line in lines]
    columns = [dict(zip(line.at_ms.tolist(), line.values.tolist(), strict=True)) for line in lines]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time", *(f"'{n}" if n[:1] in "=+-@\t" else n for n in names)])
    for at in sorted({at for column in columns for at in column}):
        when = moment(at * 10**6).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        writer.writerow([when, *(column.get(at, "") for column in columns)])
    return text.getvalue()


def _asked(request: HttpRequest) -> tuple[Question, DataSource, dict[str, Any]]:
    time_range, problems = read_time(request.GET)
    source, sources = choose("metrics", request.GET.get("source", "").strip())
    text = request.GET.get("q", "").strip()
    if len(text) > MOST_QUERY:
        problems["q"] = f"At most {MOST_QUERY} characters."
    step = request.GET.get("step", "").strip()
    if step and not (step.isascii() and step.isdecimal() and 0 < int(step[:9]) <= 86_400):
        problems["step"], step = "Whole seconds, from 1 to 86400.", ""
    question = Question(
        text[:MOST_QUERY], time_range, request.GET.get("source", ""), int(step) if step else None
    )
    context = {
        **shared(request, "metrics", source, sources, time_range),
        "question": question,
        "problems": problems,
        "language": language_of(source),
    }
    return question, source, context


def _lines(source: DataSource, question: Question) -> list[Line]:
    step_ms = question.step * 1000
    length_ms = question.time.end_ms - question.time.start_ms
    first_ms = question.time.end_ms - length_ms // step_ms * step_ms  # the last step is the end
    stretch = Stretch(first_ms, question.time.end_ms)
    frames = asking.ask(
        source,
        lambda each: each.metrics(question.text, stretch, step_ms),
        seconds=LONGEST_SECONDS,
    )
    return lines_of(frames)


def _answer(source: DataSource, question: Question) -> dict[str, Any]:
    lines = _lines(source, question)
    common, unit = common_labels(lines), unit_of(question.text)
    figure = figure_of(
        lines,
        unit=unit,
        start_ms=question.time.start_ms,
        end_ms=question.time.end_ms,
        now_ms=time.time_ns() // 10**6,
        step_ms=question.step * 1000,
    )
    facets: list[Facet] = facets_of(question.text, lines) if language_of(source) == "promql" else []
    watched: list[Watched] = watched_like(question.text, lines)
    return {
        "figure": figure,
        "rows": [_row(n, line, common, unit) for n, line in enumerate(lines[:LISTED])],
        "series_count": len(lines),
        "undrawn": max(len(lines) - MOST_DRAWN, 0),
        "unlisted": max(len(lines) - LISTED, 0),
        "common": common,
        "facets": [
            (
                facet.name,
                [(value, question.address(text)) for value, text in facet.values],
                facet.more,
            )
            for facet in facets
        ],
        "watched": watched,
        "sentence": _sentence(lines, question),
    }


def _row(number: int, line: Line, common: dict[str, str], unit: str) -> Row:
    tone, dash = look_of(number) if number < MOST_DRAWN else ("", "")
    return Row(
        name=line_name(line, common),
        value=format_value(line.last, unit),
        exact=line.last,
        at=datetime.fromtimestamp(line.last_ms / 1000, UTC),
        colour=tone,
        dash=dash,
    )


def _sentence(lines: Sequence[Line], question: Question) -> str:
    if not lines:
        return "No series answers this."
    count = "One series" if len(lines) == 1 else f"{len(lines)} series"
    drawn = (
        f", the {MOST_DRAWN} with the greatest last value drawn" if len(lines) > MOST_DRAWN else ""
    )
    return f"{count}{drawn}, {question.time.words}, one point every {question.step} s."


def _examples(question: Question) -> list[tuple[str, str, str]]:
    return [(words, text, question.address(text)) for words, text in EXAMPLES]
