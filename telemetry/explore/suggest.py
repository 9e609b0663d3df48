"""What a question in PromQL can go on with: names of metrics and labels, functions."""

import re
import time
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from telemetry import own_metrics
from telemetry.access import requires
from telemetry.explore.lines import NAME
from telemetry.promql.evaluating import KNOWN
from telemetry.store.database import Unavailable
from telemetry.store.frames import Matcher
from telemetry.store.metrics import MetricStore

SHOWN = 12
RECENT_MS = 86_400_000
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,200}$")
_INSIDE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]{0,200})?\{(?:[^{}]*,)?\s*([a-zA-Z0-9_]{0,100})$")
_VALUE = re.compile(
    r"([a-zA-Z_:][a-zA-Z0-9_:]{0,200})?\{(?:[^{}]*,)?\s*([a-zA-Z0-9_]{1,100})\s*=~?\s*\"([^\"{}]{0,100})$"
)


@dataclass(frozen=True, slots=True)
class Option:
    """`insert` takes the place of what is typed."""

    text: str
    insert: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    cut: str
    tail: str = ""


@require_GET
@requires("telemetry.view_series")
def suggest(request: HttpRequest) -> HttpResponse:
    """`before` the caret and `after` it; with `all` also where nothing is typed yet."""
    before = request.GET.get("before", "")[-1_000:]
    try:
        cut, options = _options(own_metrics.store(), before, is_all="all" in request.GET)
    except Unavailable:
        return HttpResponse(status=204)
    if not options:
        return HttpResponse(status=204)
    context = {"options": options[:SHOWN], "typed": Typed(cut)}
    return render(request, "explore/_suggestions.html", context)


def _options(store: MetricStore, before: str, *, is_all: bool) -> tuple[str, list[Option]]:
    """The text that an option takes the place of, and the options."""
    now_ms = time.time_ns() // 10**6
    recent = now_ms - RECENT_MS, now_ms
    if value := _VALUE.search(before):
        selectors = _selectors(value[1])
        found = store.label_values(value[2], selectors, *recent)
        return value[3], [Option(each, f'{each}"') for each in _like(found, value[3])]
    if inside := _INSIDE.search(before):
        found = [name for name in store.label_names(_selectors(inside[1]), *recent) if name != NAME]
        return inside[2], [Option(each, f'{each}="') for each in _like(found, inside[2])]
    word = _METRIC.search(before)
    typed = word[0] if word else ""
    if not (typed or is_all) or before.count('"') % 2:
        return "", []
    names = [Option(each, each) for each in _like(store.label_values(NAME, [], *recent), typed)]
    functions = [
        Option(each, f"{each}(", "function")
        for each in sorted(KNOWN)
        if typed and each.startswith(typed)
    ]
    return typed, [*names[: SHOWN - 3], *functions]


def _selectors(metric: str | None) -> list[list[Matcher]]:
    return [[Matcher(NAME, "=", metric)]] if metric else []


def _like(found: list[str], typed: str) -> list[str]:
    """Those that begin so first, then those that have it somewhere; none that is typed already."""
    low = typed.lower()
    within = [each for each in found if low in each.lower() and each != typed]
    return sorted(within, key=lambda each: (not each.lower().startswith(low), each))[:SHOWN]
