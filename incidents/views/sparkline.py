"""How many alerts began when, in the last day, as bars of an inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from incidents.models import Alert, Incident

HOURS, BARS = 24, 16
WIDTH, HEIGHT, STEP = 3, 18.0, 4
LEAST = 1.5
_SPAN = timedelta(hours=HOURS) / BARS


@dataclass(frozen=True, slots=True)
class Bar:
    """`is_hot` at and after the incident's onset."""

    x: int
    y: float
    height: float
    is_hot: bool


def bars_of(incidents: Sequence[Incident], at: datetime) -> dict[int, list[Bar]]:
    """For each incident its bars, the oldest first; one query for all of them."""
    start = at - timedelta(hours=HOURS)
    counts = {
        f"n{index}": Count("pk", filter=_between(start + index * _SPAN)) for index in range(BARS)
    }
    began = Alert.objects.filter(incident__in=[incident.pk for incident in incidents])
    rows = began.order_by().values_list("incident").annotate(**counts)
    found = {row[0]: list(row[1:]) for row in rows}
    nothing = [0] * BARS
    return {i.number: _bars(found.get(i.number, nothing), i.onset_at, start) for i in incidents}


def _between(begin: datetime) -> Q:
    return Q(starts_at__gte=begin, starts_at__lt=begin + _SPAN)


def _bars(counts: list[int], onset: datetime, start: datetime) -> list[Bar]:
    most = max(counts) or 1
    heights = [round(max(LEAST, HEIGHT * count / most), 1) for count in counts]
    return [
        Bar(index * STEP, HEIGHT - height, height, start + (index + 1) * _SPAN > onset)
        for index, height in enumerate(heights)
    ]
