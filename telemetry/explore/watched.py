"""The watched series that a question about metrics is near to, which have an expected band."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.explore.lines import Line
from telemetry.models import Series
from telemetry.series_names import series_title

MOST = 4
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_STATISTIC = re.compile(r"(?:\.seen_by_callers)?\.(?:p50|p95|p99|mean|rate)\Z")
_NO_LETTER = re.compile(r"[^a-zA-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Watched:
    pk: str
    title: str
    service: str


def watched_like(query: str, lines: Sequence[Line]) -> list[Watched]:
    """Of the services that answered, those made of a metric that is named in the question."""
    words = {_flat(word) for word in _WORD.findall(query[:4_000])}
    services = {line.labels.get("job", "").rpartition("/")[2] for line in lines[:100]} - {""}
    if not services:
        return []
    candidates = Series.objects.filter(
        service__slug__in=services, watch__is_enabled=True
    ).select_related("service")
    near = [each for each in candidates.order_by("pk")[:500] if _is_named(each.name, words)]
    return [
        Watched(str(each.pk), f"{each.service.slug} {series_title(each.name)}", each.service.slug)
        for each in near[:MOST]
    ]


def _is_named(series: str, words: set[str]) -> bool:
    """`http.server.request.duration.p95` is made of `http_server_request_duration_seconds`."""
    base = _flat(_STATISTIC.sub("", series))
    return len(base) > 4 and any(word.startswith(base) for word in words)


def _flat(name: str) -> str:
    return _NO_LETTER.sub("_", name).strip("_").lower()
