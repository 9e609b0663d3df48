"""What the incidents say about services, for pages of the app below."""

from typing import Any

from django import template

from incidents.models import Incident
from incidents.service_health import Health, health_of
from telemetry.models import Service
from telemetry.series_names import series_title

register = template.Library()
register.filter("series_title", series_title)

SHOWN = 10


@register.simple_tag
def worst_first(rows: list[tuple[Service, Any]]) -> list[tuple[Service, Any, Health]]:
    """Each row with the health of its service, those that are down at the top."""
    health = health_of([service for service, _ in rows])
    judged = [(service, vitals, health[service.pk]) for service, vitals in rows]
    return sorted(judged, key=lambda row: (row[2].rank, row[0].tier, row[0].slug))


@register.simple_tag
def health_of_service(service: Service) -> Health:
    return health_of([service])[service.pk]


@register.simple_tag
def recent_incidents(service: Service) -> list[Incident]:
    """That touch the service, open or not, newest first."""
    touching = Incident.objects.filter(services=service) | Incident.objects.filter(service=service)
    return list(touching.distinct().order_by("-number")[:SHOWN])
