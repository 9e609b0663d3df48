"""A person opens an incident by hand. Alerts of its service may join it later, or never come."""

from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Incident, Severity
from telemetry.models import Service


@transaction.atomic
def declare(
    *, title: str, severity: Severity, service: Service | None, summary: str, by: User
) -> Incident:
    """With a key of its own: what is already open stays beside it, to be merged by hand."""
    incident = lifecycle.open_incident(
        title=" ".join(title.split()),
        severity=severity,
        correlation_key=f"declared:{uuid4()}",
        onset_at=timezone.now(),
        service_id=service.pk if service else None,
        actor=by.username,
        text=f"Declared: {summary}" if summary else "Declared",
        payload={"declared": True},
    )
    if service is not None:
        incident.services.add(service)
    return incident
