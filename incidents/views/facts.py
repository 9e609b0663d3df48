"""The line over the list: what is open, how long the oldest has waited, how fast people answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, F, Min, Q

from incidents.models import Alert, Incident, Integration, Severity

A_MINUTE = timedelta(minutes=1)
MOST_CALM = 50


@dataclass(frozen=True, slots=True)
class Storm:
    """More alerts in a minute than anybody reads, and how many incidents that makes."""

    alerts: int
    incidents: int


@dataclass(frozen=True, slots=True)
class Facts:
    """`acknowledge_seconds` is the mean of today (UTC), None when nobody has yet."""

    grave: list[tuple[str, int]]
    others: int
    oldest_unacknowledged_at: datetime | None
    acknowledge_seconds: float | None
    storm: Storm | None


@dataclass(frozen=True, slots=True)
class Pipe:
    """Proof that alerts can arrive: the last one, or that no sender is connected."""

    last_at: datetime | None
    source: str
    has_sources: bool


def read_facts(at: datetime) -> Facts:
    names = [str(severity) for severity in Severity]
    found: dict[str, Any] = Incident.objects.active().aggregate(
        oldest=Min("opened_at", filter=Q(acknowledged_at=None)),
        **{name: Count("pk", filter=Q(severity=name)) for name in names},
    )
    grave = [(name, found[name]) for name in names[:2] if found[name]]
    others = sum(found[name] for name in names) - sum(count for _, count in grave)
    return Facts(grave, others, found["oldest"], _mean_to_acknowledge(at), _storm(at))


def read_pipe() -> Pipe:
    newest = Alert.objects.select_related("integration").order_by("-last_received_at").first()
    if newest is None:
        return Pipe(None, "", Integration.objects.exists())
    source = newest.integration.name if newest.integration else "a sender that is gone"
    return Pipe(newest.last_received_at, source, has_sources=True)


def _storm(at: datetime) -> Storm | None:
    heard = Alert.objects.filter(
        last_received_at__gt=at - A_MINUTE, first_received_at__gt=at - A_MINUTE
    )
    found = heard.aggregate(alerts=Count("pk"), incidents=Count("incident", distinct=True))
    return Storm(**found) if found["alerts"] > MOST_CALM else None


def _mean_to_acknowledge(at: datetime) -> float | None:
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    taken = F("acknowledged_at") - F("opened_at")
    answered = Incident.objects.filter(acknowledged_at__gte=today)
    mean: timedelta | None = answered.aggregate(mean=Avg(taken))["mean"]
    return None if mean is None else mean.total_seconds()
