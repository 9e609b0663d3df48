"""What a policy would have matched, had it been there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from incidents import matchers
from incidents.models import Alert, Incident

WEEK = timedelta(days=7)
ROWS = 20_000
SHOWN = 5


@dataclass(frozen=True)
class Found:
    """`latest` are the newest few; `is_partial` when there was more than could be looked at."""

    count: int
    latest: list[Incident]
    is_partial: bool


def last_week(texts: Iterable[str]) -> Found:
    """As `policies.matches`, over all incidents that were opened in the last seven days."""
    wanted = matchers.parse_matchers(texts)
    alerts = Alert.objects.filter(incident__opened_at__gte=timezone.now() - WEEK)
    related = alerts.select_related("incident__service").order_by("-incident")[:ROWS]
    found: dict[int, Incident] = {}
    rows = 0
    for alert in related.iterator(chunk_size=2000):
        rows += 1
        incident = alert.incident
        if incident and incident.pk not in found and _matches(wanted, alert, incident):
            found[incident.pk] = incident
    return Found(len(found), list(found.values())[:SHOWN], rows == ROWS)


def _matches(wanted: tuple[matchers.Matcher, ...], alert: Alert, incident: Incident) -> bool:
    own = {"severity": incident.severity, "classification": incident.classification}
    if incident.service:
        own["service"] = incident.service.slug
    return matchers.matches_all(wanted, alert.labels | {"alertname": alert.name} | own)
