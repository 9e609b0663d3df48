"""What the incidents say about services, for pages of the app below."""

from django import template

from incidents.models import Incident
from incidents.service_health import Health, health_of
from telemetry.models import Service
from telemetry.series_names import series_title

register = template.Library()
register.filter("series_title", series_title)

SHOWN = 10
KIND_ICONS = {"service": "service", "database": "db", "queue": "inbox", "external": "external"}


@register.filter
def kind_icon(kind: str) -> str:
    """The name of the icon of a kind of service."""
    return KIND_ICONS.get(kind, "service")


@register.simple_tag
def health_of_service(service: Service) -> Health:
    return health_of([service])[service.pk]


@register.simple_tag
def recent_incidents(service: Service) -> list[Incident]:
    """That touch the service, open or not, newest first."""
    touching = Incident.objects.filter(services=service) | Incident.objects.filter(service=service)
    return list(touching.distinct().order_by("-number")[:SHOWN])
