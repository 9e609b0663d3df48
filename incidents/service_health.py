"""How a service is doing, in one word and the reason for it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Q

from incidents.models import Alert, Incident
from telemetry.models import Anomaly, Service
from telemetry.series_names import series_title

RANKS = {"down": 0, "degraded": 1, "unknown": 2, "healthy": 3}


@dataclass(slots=True)
class Health:
    """`word` is down, degraded, unknown or healthy; `incidents` are those open, worst first."""

    word: str = "unknown"
    reason: str = "no alert source or metric speaks of it"
    incidents: list[Incident] = field(default_factory=list)

    @property
    def rank(self) -> int:
        return RANKS[self.word]


def health_of(services: Collection[Service]) -> dict[int, Health]:
    """By service. Down: suspected cause of an open incident of the kind "service_down".
    Degraded: touched by any open incident, or out of its expected range."""
    ids = [service.pk for service in services]
    incidents, anomalies = _open_incidents(ids), _running_anomalies(ids)
    heard_of = _heard_of(ids)
    return {
        pk: _judge(pk, incidents[pk], anomalies.get(pk, ""), is_heard_of=pk in heard_of)
        for pk in ids
    }


def _judge(pk: int, incidents: list[Incident], anomaly: str, *, is_heard_of: bool) -> Health:
    if incidents:
        worst = incidents[0]
        is_down = any(
            each.classification == "service_down" and each.service_id == pk for each in incidents
        )
        return Health("down" if is_down else "degraded", f"{worst}: {worst.title}", incidents)
    if anomaly:
        return Health("degraded", f"{anomaly} is out of its expected range")
    if is_heard_of:
        return Health("healthy", "no open incident, nothing out of range")
    return Health()


def _open_incidents(ids: Collection[int]) -> defaultdict[int, list[Incident]]:
    """Of a service that is merely touched by another's incident, too."""
    touching = Q(service__in=ids) | Q(services__in=ids)
    found: defaultdict[int, list[Incident]] = defaultdict(list)
    active = Incident.objects.active().filter(touching).distinct().order_by("-number")
    for incident in active.prefetch_related("services"):
        touched = {incident.service_id, *(service.pk for service in incident.services.all())}
        for pk in set(ids) & touched:
            found[pk].append(incident)
    for open_ones in found.values():
        open_ones.sort(key=lambda each: (each.severity_rank, each.service_id != pk))
    return found


def _running_anomalies(ids: Collection[int]) -> dict[int, str]:
    running = Anomaly.objects.filter(series__service__in=ids, ended_at=None)
    rows = running.order_by("peak_score").values_list("series__service", "series__name")
    return {service: series_title(name) for service, name in rows}


def _heard_of(ids: Collection[int]) -> set[int]:
    measured = Service.objects.filter(pk__in=ids, series__last_at_ms__gt=0)
    alerted = Alert.objects.filter(service__in=ids)
    return {
        *measured.values_list("pk", flat=True).distinct(),
        *alerted.values_list("service", flat=True).distinct(),
    }
