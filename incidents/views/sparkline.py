"""How many alerts began when, in the last day, as the paths of an inline SVG."""

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
class Sparkline:
    """Two SVG paths of bars, 64 by 18: before the incident's onset, and since."""

    before: str
    since: str


def sparklines_of(incidents: Sequence[Incident], at: datetime) -> dict[int, Sparkline]:
    """By number of the incident; one query for all of them."""
    start = at - timedelta(hours=HOURS)
    counts = {
        f"n{index}": Count("pk", filter=_between(start + index * _SPAN)) for index in range(BARS)
    }
    began = Alert.objects.filter(incident__in=[incident.pk for incident in incidents])
    rows = began.order_by().values_list("incident").annotate(**counts)
    found = {row[0]: list(row[1:]) for row in rows}
    nothing = [0] * BARS
    return {i.number: _draw(found.get(i.number, nothing), i.onset_at, start) for i in incidents}


def _between(begin: datetime) -> Q:
    return Q(starts_at__gte=begin, starts_at__lt=begin + _SPAN)


def _draw(counts: list[int], onset: datetime, start: datetime) -> Sparkline:
    most = max(counts) or 1
    bars = [_bar(index, count / most) for index, count in enumerate(counts)]
    cold = sum(start + (index + 1) * _SPAN <= onset for index in range(BARS))
    return Sparkline("".join(bars[:cold]), "".join(bars[cold:]))


def _bar(index: int, share: float) -> str:
    height = round(max(LEAST, HEIGHT * share), 1)
    return f"M{index * STEP} {HEIGHT - height:.1f}h{WIDTH}V18h-{WIDTH}z"
