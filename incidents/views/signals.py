"""The charts of an incident: the series that left their band, then the nearest to it; and what
logs and traces said. What its source has forgotten is drawn from the evidence that was kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from incidents.analysis.case import trusted_onset
from incidents.analysis.recent_errors import gravity
from incidents.models import Incident, Snapshot
from telemetry.chart_loading import as_moment, as_ms
from telemetry.models import Point, Series
from telemetry.series_names import series_title

FIGURE = "/api/v1/series/figure/"
MOST_CHARTS = 6
_AROUND = timedelta(minutes=30)
_YOUNG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ChartView:
    """What partials/chart.html asks for."""

    title: str
    url: str
    series: int
    topic: str
    wide: bool
    sentence: str
    kept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErrorsView:
    """`logs` and `traces` are contents of snapshots, of which the newest is from `kept_at`."""

    logs: list[dict[str, Any]]
    traces: list[dict[str, Any]]
    kept_at: datetime


def charts_of(incident: Incident, numbers: Sequence[int]) -> list[ChartView]:
    wanted = list(dict.fromkeys(numbers))[:MOST_CHARTS]
    found = _with_points(incident, wanted)
    kept = _kept(incident) if len(found) < len(wanted) else {}
    there = [pk for pk in wanted if pk in found or pk in kept]
    last = len(there) - 1
    wide = [not index or (index == last and last % 2 == 1) for index in range(len(there))]
    return [
        _chart(found[pk], wide=is_wide) if pk in found else _kept_chart(kept[pk], wide=is_wide)
        for pk, is_wide in zip(there, wide, strict=True)
    ]


def errors_of(incident: Incident) -> ErrorsView | None:
    """None where neither logs nor traces said anything."""
    kinds = (Snapshot.Kind.LOGS, Snapshot.Kind.TRACES)
    rows = list(incident.snapshots.filter(kind__in=kinds))
    if not rows:
        return None
    told = [(row.kind, _with_moments(row.content)) for row in rows]
    logs = [content for kind, content in told if kind == Snapshot.Kind.LOGS]
    traces = [content for kind, content in told if kind == Snapshot.Kind.TRACES]
    traces.sort(key=gravity)
    return ErrorsView(logs, traces, max(row.taken_at for row in rows))


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


def _with_points(incident: Incident, wanted: Sequence[int]) -> dict[int, Series]:
    """Those that can still be drawn around the onset; of a young incident all that there are."""
    rows = Series.objects.filter(pk__in=wanted).select_related("service", "watch")
    onset = trusted_onset(incident)
    if timezone.now() - onset > _YOUNG:
        start, end = as_ms(onset - _AROUND), as_ms(onset + _AROUND)
        points = Point.objects.filter(series=OuterRef("pk"), at_ms__gte=start, at_ms__lte=end)
        rows = rows.filter(Exists(points))
    return {series.pk: series for series in rows}


def _kept(incident: Incident) -> dict[int, Snapshot]:
    kept = incident.snapshots.filter(kind=Snapshot.Kind.METRICS)
    return {snapshot.content["series"]: snapshot for snapshot in kept}


def _kept_chart(kept: Snapshot, *, wide: bool) -> ChartView:
    return ChartView(
        title=kept.content["title"],
        url=reverse("api:incident-evidence-figure", args=[kept.incident_id, kept.pk]),
        series=kept.content["series"],
        topic="",
        wide=wide,
        sentence="",
        kept_at=kept.taken_at,
    )


def _with_moments(content: dict[str, Any]) -> dict[str, Any]:
    lines = [{**line, "at": as_moment(line["at_ms"])} for line in content.get("lines", [])]
    return {**content, "lines": lines}


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
