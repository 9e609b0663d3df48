"""The topology as it was: one version an hour, and one more whenever something came or went."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from telemetry.calls import CallEdge, Party
from telemetry.models import TopologyVersion
from telemetry.observed_calls import Observed
from telemetry.topology_changes import Difference, difference

EVERY = timedelta(hours=1)
NOTEWORTHY = 5
"""Calls in a stretch; an edge with fewer comes and goes by chance."""


def keep(seen: Observed) -> None:
    """Stores what was seen if it is worth it; to repeat it changes nothing."""
    newest = TopologyVersion.objects.first()
    if _is_due(newest, seen):
        TopologyVersion.objects.get_or_create(
            ended_at=seen.ended_at,
            defaults={"began_at": seen.began_at, "edges": [_as_row(edge) for edge in seen.edges]},
        )


def edges_of(version: TopologyVersion) -> list[CallEdge]:
    return [_of_row(row) for row in version.edges]


def forget_old(now: datetime) -> None:
    before = now - timedelta(days=settings.KEEP_TOPOLOGY_DAYS)
    TopologyVersion.objects.filter(ended_at__lt=before).delete()


def _is_due(newest: TopologyVersion | None, seen: Observed) -> bool:
    """Stretches of two versions do not overlap, so that chance is not counted twice."""
    if newest is None:
        return bool(seen.edges)
    if newest.ended_at + EVERY <= seen.ended_at:
        return bool(seen.edges or newest.edges)
    is_later = newest.ended_at <= seen.began_at
    return is_later and _is_news(difference(edges_of(newest), seen.edges))


def _is_news(found: Difference) -> bool:
    return bool(found.changed) or _is_noteworthy(found.added) or _is_noteworthy(found.removed)


def _is_noteworthy(edges: Iterable[CallEdge]) -> bool:
    return any(edge.calls >= NOTEWORTHY for edge in edges)


def _as_row(edge: CallEdge) -> list[Any]:
    return [*edge.caller, *edge.callee, edge.calls, edge.errors, edge.p95_ms, edge.confidence]


def _of_row(row: list[Any]) -> CallEdge:
    caller, caller_kind, callee, callee_kind, *numbers = row
    return CallEdge(Party(caller, caller_kind), Party(callee, callee_kind), *numbers)
