"""Fills the console's database with many incidents; run as a process of its own."""

import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiops_site.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from incidents.models import Alert, AlertLink, Incident, Severity, TimelineEntry  # noqa: E402
from telemetry.models import Service  # noqa: E402

INCIDENTS = 10_000
ALERTS_AN_INCIDENT = 10
SERVICES = 40
ENTRIES = 5
NOW = timezone.now()


def main() -> None:
    services = Service.objects.bulk_create(Service(slug=f"seeded-{n}") for n in range(SERVICES))
    incidents = Incident.objects.bulk_create(
        [_incident(n, services[n % SERVICES]) for n in range(INCIDENTS)], batch_size=500
    )
    for start in range(0, INCIDENTS, 500):
        _fill(incidents[start : start + 500])


def _incident(number: int, service: Service) -> Incident:
    severity = list(Severity)[number % 5]
    is_open = number % 10 == 0
    opened_at = NOW - timedelta(minutes=INCIDENTS - number)
    return Incident(
        title=f"Error rate of {service.slug} over 5 % ({number})",
        severity=severity,
        severity_rank=severity.rank,
        status=Incident.Status.OPEN if is_open else Incident.Status.RESOLVED,
        service=service,
        correlation_key=f"seed:{number}",
        onset_at=opened_at,
        opened_at=opened_at,
        resolved_at=None if is_open else opened_at + timedelta(minutes=20),
        last_activity_at=opened_at,
        alert_count=ALERTS_AN_INCIDENT,
        firing_count=ALERTS_AN_INCIDENT if is_open else 0,
        last_seq=ENTRIES,
    )


def _fill(incidents: list[Incident]) -> None:
    alerts = Alert.objects.bulk_create(
        _alert(incident, n) for incident in incidents for n in range(ALERTS_AN_INCIDENT)
    )
    AlertLink.objects.bulk_create(
        AlertLink(
            incident_id=alert.incident_id or 0,
            alert=alert,
            method="service",
            text="Same service.",
            linked_at=alert.starts_at,
        )
        for alert in alerts
    )
    TimelineEntry.objects.bulk_create(
        TimelineEntry(incident=i, seq=n, at=i.opened_at, kind="note", text=f"Entry {n}")
        for i in incidents
        for n in range(1, ENTRIES + 1)
    )


def _alert(incident: Incident, number: int) -> Alert:
    is_firing = incident.firing_count > 0
    return Alert(
        fingerprint=f"seed-{incident.number}-{number}",
        name="HighErrorRate",
        severity=incident.severity,
        status=Alert.Status.FIRING if is_firing else Alert.Status.RESOLVED,
        service=incident.service,
        labels={"service": str(incident.service), "instance": f"pod-{number}", "env": "prod"},
        starts_at=incident.opened_at,
        first_received_at=incident.opened_at,
        last_received_at=incident.opened_at,
        event_count=1,
        incident=incident,
    )


if __name__ == "__main__":
    main()
