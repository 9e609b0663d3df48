"""What the analysis looked at, kept with the incident so that it outlives its source."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db.models import Exists, OuterRef
from django.utils import timezone

from incidents.analysis import case, metrics_around, recent_changes, recent_errors
from incidents.analysis.finding import Kept, KeptKind
from incidents.analysis.recent_errors import Errors
from incidents.models import AnalysisStep, Incident, Snapshot
from telemetry import changes
from telemetry.chart_loading import load_chart
from telemetry.chart_series import Anomaly, ChartSeries, Event
from telemetry.models import Dependency, Series

STEP = "enrichment"
AROUND_BEFORE, AROUND_AFTER = timedelta(minutes=30), timedelta(hours=1)
MOST_POINTS = 240
MOST_BYTES = 64_000
MOST_ROWS = 30
RENEWED_EVERY = timedelta(minutes=1)
RENEWED_A_TURN = 10


def gather(incident: Incident, found: dict[str, Any], errors: Errors) -> list[Kept]:
    """`found` is what the enrichment found, of which the charts are drawn."""
    return [
        *_series(incident, found["signals"]),
        *(_logs(fact) for fact in errors.logs),
        *(_trace(fact) for fact in errors.traces),
        *_changes(found["changes"]),
        *_topology(incident),
    ]


def save(incident: Incident, step: str, kept: Sequence[Kept]) -> None:
    """Newer replaces older; what is told no more stays, the newest `MOST_ROWS` rows of all."""
    rows = {(one.kind, one.title[:300], one.source[:60]): one for one in kept}
    Snapshot.objects.bulk_create(
        (
            Snapshot(
                incident=incident,
                step=step,
                kind=kind,
                title=title,
                source=source,
                question=one.question,
                content=fitting(one.content),
            )
            for (kind, title, source), one in rows.items()
        ),
        update_conflicts=True,
        unique_fields=["incident", "step", "kind", "title", "source"],
        update_fields=["question", "content", "taken_at"],
    )
    ordered = incident.snapshots.order_by("-taken_at", "-pk").values_list("pk", flat=True)
    surplus = [*_lesser_traces(incident), *ordered[MOST_ROWS:]]
    incident.snapshots.filter(pk__in=surplus).delete()


def _lesser_traces(incident: Incident) -> list[int]:
    """Of those that one look after the other has found, all but the worst."""
    traces = incident.snapshots.filter(kind=Snapshot.Kind.TRACES).order_by("pk")
    worst = sorted(traces, key=lambda one: recent_errors.gravity(one.content))
    return [one.pk for one in worst[recent_errors.MOST_TRACES_KEPT :]]


def renew(at: datetime) -> list[int]:
    """Looks again at what young active incidents show. An hour after the onset nothing new belongs
    to one.

    Returns those that show what their analysis did not know: logs and word of a change may come
    later than the alert.
    """
    looked = AnalysisStep.objects.filter(
        incident=OuterRef("pk"), name=STEP, state=AnalysisStep.State.DONE
    )
    fresh = Snapshot.objects.filter(incident=OuterRef("pk"), taken_at__gt=at - RENEWED_EVERY)
    young = Incident.objects.active().filter(onset_at__gt=at - AROUND_AFTER)
    due = young.filter(Exists(looked), ~Exists(fresh)).order_by("number")[:RENEWED_A_TURN]
    return [incident.number for incident in due if _renew(incident)]


def fitting(content: dict[str, Any]) -> dict[str, Any]:
    """The ends of its longest lists are cut off until it is small enough."""
    fitted: dict[str, Any] = orjson.loads(orjson.dumps(content))
    while len(orjson.dumps(fitted)) > MOST_BYTES:
        longest = max(fitted.values(), key=lambda part: len(orjson.dumps(part)))
        if not isinstance(longest, list) or not longest:
            return {"cut": True}
        del longest[len(longest) * 3 // 4 :]
        fitted["cut"] = True
    return fitted


def chart_of(content: dict[str, Any]) -> ChartSeries:
    """Of a kept metric."""
    columns = ("title", "unit", "x", "y", "lower", "upper", "now_ms", "is_learning")
    return ChartSeries(
        **{name: content[name] for name in columns},
        anomalies=[Anomaly(**each) for each in content["anomalies"]],
        events=[Event(**each) for each in content["events"]],
        missing=[(start, end) for start, end in content["missing"]],
    )


def _renew(incident: Incident) -> bool:
    known, errors = case.found_by(incident, STEP), recent_errors.around(incident)
    found = known | {"changes": recent_changes.before_onset(incident)}
    save(incident, STEP, gather(incident, found, errors))
    return _has_grown(known, found, errors)


def _has_grown(known: dict[str, Any], found: dict[str, Any], errors: Errors) -> bool:
    """Each service and each change counts once, so that looking again comes to an end."""
    told = {fact["change"] for fact in known.get("changes", [])}
    logged = {fact["service"] for fact in Errors(known.get("errors", [])).risen}
    has_new_change = any(fact["change"] not in told for fact in found["changes"])
    return has_new_change or any(fact["service"] not in logged for fact in errors.risen)


def _series(incident: Incident, signals: Iterable[int]) -> Iterable[Kept]:
    onset, now = case.trusted_onset(incident), timezone.now()
    rows = Series.objects.filter(pk__in=list(signals)).select_related("service", "watch")
    for series in rows:
        start, end = onset - AROUND_BEFORE, min(now, onset + AROUND_AFTER)
        events = changes.events_of(series.service, start, end)
        chart = load_chart(series, start=start, end=end, now=end, points=MOST_POINTS, events=events)
        if not chart.x:
            continue
        labels = ", ".join(f"{name}={value}" for name, value in sorted(series.labels.items()))
        yield Kept(
            "metrics",
            f"{series.service.slug} {series.name}{f' {{{labels}}}' if labels else ''}",
            {"series": series.pk, "metric": series.name, **_columns(asdict(chart))},
        )


def _columns(chart: dict[str, Any]) -> dict[str, Any]:
    del chart["previous"], chart["incidents"], chart["thresholds"]
    return chart


def _logs(fact: dict[str, Any]) -> Kept:
    title = f"Errors in the log of {fact['service']}"
    question = f"severity>=error service={fact['service']}"
    return Kept("logs", title, fact, fact["source"], question)


def _trace(fact: dict[str, Any]) -> Kept:
    how = "failed" if fact["errors"] else "slow"
    title = f"Trace {fact['trace_id']} of {fact['service']} {fact['name']}, {how}"
    return Kept("traces", title, fact, fact["source"], f"trace {fact['trace_id']}")


def _changes(facts: list[dict[str, Any]]) -> list[Kept]:
    kind: KeptKind = "changes"
    return [Kept(kind, "Changes before the onset", {"changes": facts})] if facts else []


def _topology(incident: Incident) -> list[Kept]:
    """The calls among the services near the trouble, as they were known then."""
    near = metrics_around.scope(incident)
    edges = Dependency.objects.filter(caller__slug__in=near, callee__slug__in=near)
    columns = ("caller__slug", "callee__slug", "calls_per_minute", "error_share", "p95_ms")
    names = ("caller", "callee", "calls_per_minute", "error_share", "p95_ms")
    rows = edges.order_by("caller__slug", "callee__slug").values_list(*columns)
    content = [dict(zip(names, row, strict=True)) for row in rows]
    return [Kept("topology", "Calls around the trouble", {"calls": content})] if content else []
