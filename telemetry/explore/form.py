"""What the forms of all pages of the explorer have in common."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from telemetry.explore.range import CUSTOM, RANGES, TimeRange, Unreadable, read_range, usual_range
from telemetry.models import DataSource, Service

MOST_SERVICES = 500
MOST_TYPED = 600


def read_time(given: Mapping[str, str]) -> tuple[TimeRange, dict[str, str]]:
    """The usual range beside what is wrong, by field, where it cannot be read."""
    now_ms = time.time_ns() // 10**6
    try:
        return read_range(given, now_ms), {}
    except Unreadable as error:
        return usual_range(now_ms), {error.field: str(error)}


def shared(
    request: HttpRequest,
    tab: str,
    source: DataSource,
    sources: Sequence[DataSource],
    time_range: TimeRange,
) -> dict[str, Any]:
    slugs = Service.objects.order_by("slug").values_list("slug", flat=True)
    is_custom = time_range.seconds is None or request.GET.get("range") == CUSTOM
    return {
        "tab": tab,
        "source": source,
        "sources": sources if len(sources) > 1 else (),
        "time": time_range,
        "chosen_range": CUSTOM if is_custom else str(time_range.seconds),
        "ranges": [(str(seconds), words) for seconds, words in RANGES.items()],
        "typed": {name: text[:MOST_TYPED] for name, text in request.GET.items()},
        "services": slugs[:MOST_SERVICES],
    }
