"""What a parameter's `from:` finds at an incident."""

from incidents.models import Alert, Incident
from telemetry.models import Service

Values = dict[str, str | int | bool]


def values_of(incident: Incident) -> Values:
    """As it is now. Its first alert speaks for it."""
    service = incident.service
    needed = service.calls.exclude(health_url="").order_by("tier", "slug") if service else None
    return values_from(
        incident,
        alert=incident.alerts.order_by("first_received_at", "pk").first(),
        needed=needed.first() if needed else None,
    )


def values_from(incident: Incident, *, alert: Alert | None, needed: Service | None) -> Values:
    """Of what was looked up already. `needed` is what its service depends on most."""
    values: Values = {
        "incident.number": incident.number,
        "incident.severity": incident.severity,
        "incident.title": incident.title,
    }
    if incident.service:
        values |= _of_service(incident.service, needed)
    if alert:
        values |= {"alert.name": alert.name, "alert.fingerprint": alert.fingerprint}
        values |= {f"alert.labels.{name}": value for name, value in alert.labels.items()}
    return values


def _of_service(service: Service, needed: Service | None) -> Values:
    urls = {
        "service.health_url": service.health_url,
        "service.dependency_url": needed.health_url if needed else "",
    }
    known = {name: url for name, url in urls.items() if url}
    return {"incident.service": service.slug, "service.owner": service.owner, **known}
