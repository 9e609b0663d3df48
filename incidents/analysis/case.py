"""What the steps share: the incident's alerts, its services, and what earlier steps found."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q

from incidents.models import Alert, AnalysisStep, Incident
from telemetry.models import Dependency, Service
from telemetry.topology import Edge

MOST_ALERTS = 1000
MOST_SERVICES = 60
FURTHEST_ONSET = timedelta(hours=1)


def alerts_of(incident: Incident) -> list[Alert]:
    """Its alerts, earliest first; of a storm the first thousand."""
    alerts = Alert.objects.filter(links__incident=incident).select_related("service")
    return list(alerts.order_by("starts_at", "pk")[:MOST_ALERTS])


def symptoms(incident: Incident) -> list[str]:
    """What is wrong and where, each once, however many alerts say so."""
    names = Alert.objects.filter(links__incident=incident).order_by("name")
    kinds = names.values_list("name", flat=True).distinct()[:MOST_ALERTS]
    return [*kinds, *(f"service {slug}" for slug in touched(incident))]


def found_by(incident: Incident, step: str) -> dict[str, Any]:
    """The result of an earlier step, empty when it has none."""
    done = incident.analysis_steps.filter(name=step, state=AnalysisStep.State.DONE)
    result: dict[str, Any] = done.values_list("result", flat=True).first() or {}
    return result


def load_edges() -> list[Edge]:
    return list(Dependency.objects.values_list("caller__slug", "callee__slug"))


def touched(incident: Incident) -> list[str]:
    """Slugs of the services its alerts name, and its own, the most critical tier first."""
    slugs = list(incident.services.values_list("slug", flat=True))
    if incident.service is not None and incident.service.slug not in slugs:
        slugs.insert(0, incident.service.slug)
    return slugs


def services_by_slug(slugs: set[str]) -> dict[str, Service]:
    return {service.slug: service for service in Service.objects.filter(slug__in=slugs)}


def offset(incident: Incident, at: datetime) -> int:
    """Whole seconds from the onset, before it negative."""
    return round((at - incident.onset_at).total_seconds())


def trusted_onset(incident: Incident) -> datetime:
    """The onset as its sender said, unless that is further back than an alert can be late."""
    return max(incident.onset_at, incident.opened_at - FURTHEST_ONSET)


def end_before(incident: Incident, services: set[str]) -> datetime | None:
    """When the last incident was over that these services had before this one."""
    others = Incident.objects.exclude(pk=incident.pk).exclude(merged_into=incident)
    here = Q(service__slug__in=services) | Q(services__slug__in=services)
    ended = others.filter(here, resolved_at__lte=trusted_onset(incident))
    at: datetime | None = ended.aggregate(at=Max("resolved_at"))["at"]
    return at
