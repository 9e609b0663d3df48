"""The charts of an incident: the series that left their band, then the nearest to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from incidents.analysis.case import trusted_onset
from incidents.models import Incident
from telemetry.models import Series
from telemetry.series_names import series_title

FIGURE = "/api/v1/series/figure/"
MOST_CHARTS = 6
_AROUND = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ChartView:
    """What partials/chart.html asks for."""

    title: str
    url: str
    series: int
    topic: str
    wide: bool
    sentence: str


def charts_of(numbers: Sequence[int]) -> list[ChartView]:
    wanted = list(dict.fromkeys(numbers))[:MOST_CHARTS]
    rows = Series.objects.filter(pk__in=wanted).select_related("service", "watch")
    found = {series.pk: series for series in rows}
    there = [found[pk] for pk in wanted if pk in found]
    last = len(there) - 1
    return [
        _chart(series, wide=not index or (index == last and last % 2 == 1))
        for index, series in enumerate(there)
    ]


def why_these(found: Mapping[str, Any], shown: Sequence[ChartView]) -> str:
    """How the charts were chosen; `found` is what the enrichment found."""
    departed = {departure["series"] for departure in found.get("departures", [])}
    if not any(service["judged"] for service in found.get("looked", {}).values()):
        return "Shown are those that tell most about trouble: latency, errors, resources."
    if not departed:
        return "Shown are the nearest to leaving it."
    rest = "" if {chart.series for chart in shown} <= departed else ", then the nearest to them"
    return f"Shown are those, the most telling kind first{rest}."


def window_of(incident: Incident) -> str:
    """The incident with half an hour around it, as "from,to" in RFC 3339."""
    start = trusted_onset(incident) - _AROUND
    end = (incident.resolved_at or incident.last_activity_at) + _AROUND
    return f"{start.isoformat()},{end.isoformat()}"


def _chart(series: Series, *, wide: bool) -> ChartView:
    watch = getattr(series, "watch", None)
    is_learning = watch is not None and watch.is_learning
    return ChartView(
        title=f"{series.service.slug} {series_title(series.name)}",
        url=f"{FIGURE}?{urlencode({'series': series.pk})}",
        series=series.pk,
        topic=f"series:{series.service.slug}",
        wide=wide,
        sentence="learning what is normal" if is_learning else "",
    )
