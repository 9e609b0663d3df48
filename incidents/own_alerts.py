"""An anomaly of our own is an alert like any other: it goes through the same inbox."""

import orjson
from django.utils import timezone

from incidents import inbox
from incidents.models import Integration, Message
from telemetry.credentials import issue_token
from telemetry.models import Anomaly
from telemetry.units import format_value

NAME = "Anomaly detection"
HIGH_SCORE = 5.0
MAPPING = {
    "name": "name",
    "status": "status",
    "severity": "severity",
    "key": "key",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "summary": "summary",
    "labels": {"service": "service", "metric": "metric", "alertname": "name"},
}


def send(anomaly: Anomaly, *, has_ended: bool) -> None:
    """Keeps a message that the anomaly began, or ended; sending it twice changes nothing."""
    body = orjson.dumps(_document(anomaly, has_ended=has_ended))
    inbox.keep(
        [
            Message(
                integration_id=_integration_id(),
                received_at=timezone.now(),
                content_type="application/json",
                body=body,
            )
        ]
    )


def _document(anomaly: Anomaly, *, has_ended: bool) -> dict[str, str]:
    series = anomaly.series
    document = {
        "name": "MetricAnomaly",
        "status": "resolved" if has_ended else "firing",
        "severity": "high" if anomaly.peak_score >= HIGH_SCORE else "medium",
        "service": series.service.slug,
        "metric": series.name,
        "key": f"anomaly:{series.pk}",
        "summary": _summary(anomaly),
        "starts_at": anomaly.started_at.isoformat(),
    }
    if has_ended and anomaly.ended_at:
        document["ends_at"] = anomaly.ended_at.isoformat()
    return document


def _summary(anomaly: Anomaly) -> str:
    series = anomaly.series
    value = format_value(anomaly.value, series.unit)
    lower, upper = (format_value(v, series.unit) for v in (anomaly.lower, anomaly.upper))
    return f"{series.service.slug}: {series.name} is {value}, expected {lower} to {upper}"


def _integration_id() -> int:
    """Its token is thrown away: nothing outside may speak for the detector."""
    token = issue_token()
    integration, _ = Integration.objects.get_or_create(
        name=NAME,
        defaults={
            "provider": "generic",
            "token_hash": token.hashed,
            "token_prefix": "",
            "mapping": MAPPING,
        },
    )
    return integration.pk
