"""Events fold into alerts: one row per fingerprint, whatever the order they arrive in."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from incidents import episodes
from incidents.event import AlertEvent
from incidents.models import Alert
from telemetry.known_services import services_named
from telemetry.models import Service
from telemetry.service_names import slug_of

SERVICE_LABELS = ("service", "service_name", "app")
FOLDED = [
    "name", "summary", "url", "severity", "status", "service", "labels", "annotations", "starts_at",
    "ends_at", "last_received_at", "event_count", "fold", "is_flapping", "incident", "integration",
]  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """One event about one alert, as received."""

    fingerprint: str
    event: AlertEvent
    received_at: datetime
    integration_id: int | None


@dataclass
class Folded:
    """An alert after the batch, with what the batch did to it.

    `before` is the number of the incident it belonged to.
    """

    alert: Alert
    was_firing: bool
    before: int | None
    has_fired: bool = False
    has_resolved: bool = False
    is_acknowledged: bool = False

    @property
    def is_firing(self) -> bool:
        return self.alert.status == Alert.Status.FIRING


def fold(deliveries: list[Delivery]) -> list[Folded]:
    """Locks the alerts in fingerprint order and folds the deliveries in. Saves nothing yet."""
    by_alert: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        by_alert[delivery.fingerprint].append(delivery)
    alerts = _locked_alerts(by_alert)
    services = services_named(service_name(each.event.labels) for each in deliveries)
    _attach_services(alerts.values(), services.values())
    return [_fold_one(alerts[key], by_alert[key], services) for key in sorted(alerts)]


def save(folded: Iterable[Folded]) -> None:
    """One upsert for all: much cheaper than an update a row."""
    Alert.objects.bulk_create(
        [item.alert for item in folded],
        update_conflicts=True,
        unique_fields=["fingerprint"],
        update_fields=FOLDED,
    )


def service_name(labels: dict[str, str]) -> str:
    """As the sender wrote it; empty when no label names one."""
    names = (labels.get(label, "") for label in SERVICE_LABELS)
    return next((name for name in names if slug_of(name)), "")


def _locked_alerts(by_alert: dict[str, list[Delivery]]) -> dict[str, Alert]:
    found = _lock(by_alert)
    missing = [
        _blank(deliveries[0])
        for key, deliveries in sorted(by_alert.items())
        if key not in found and not all(delivery.event.acknowledged for delivery in deliveries)
    ]
    if missing:
        Alert.objects.bulk_create(missing, ignore_conflicts=True)
        found |= _lock({alert.fingerprint for alert in missing})
    return found


def _lock(fingerprints: Iterable[str]) -> dict[str, Alert]:
    alerts = Alert.objects.select_for_update(of=("self",))
    rows = alerts.filter(fingerprint__in=list(fingerprints)).order_by("fingerprint")
    return {alert.fingerprint: alert for alert in rows}


def _blank(delivery: Delivery) -> Alert:
    event, at = delivery.event, delivery.received_at
    return Alert(
        fingerprint=delivery.fingerprint,
        name=event.name[:255],
        severity=event.severity,
        status=Alert.Status.RESOLVED,
        labels=event.labels,
        starts_at=at,
        first_received_at=at,
        last_received_at=at,
    )


def _fold_one(alert: Alert, deliveries: list[Delivery], services: dict[str, Service]) -> Folded:
    was_firing = bool(alert.fold) and alert.status == Alert.Status.FIRING
    folded = Folded(alert, was_firing, alert.incident_id)
    state = episodes.AlertState.from_json(alert.fold) if alert.fold else None
    for delivery in deliveries:
        if delivery.event.acknowledged:
            folded.is_acknowledged = True
            continue
        state, change = episodes.apply(state, delivery.event, delivery.received_at)
        folded.has_fired |= change in ("opened", "refired")
        folded.has_resolved |= change == "resolved"
        if delivery.event.status == "firing" and change != "late":
            _describe(alert, delivery, services)
    if state is not None:
        _take_state(alert, state)
    return folded


def _describe(alert: Alert, delivery: Delivery, services: dict[str, Service]) -> None:
    event = delivery.event
    alert.name, alert.summary, alert.url = event.name[:255], event.summary, event.url
    alert.labels, alert.annotations = event.labels, event.annotations
    alert.service = services.get(slug_of(service_name(event.labels)))
    alert.integration_id = delivery.integration_id


def _take_state(alert: Alert, state: episodes.AlertState) -> None:
    alert.fold = state.as_json()
    alert.status, alert.severity = state.status, state.severity
    alert.starts_at, alert.ends_at = state.starts_at, state.ends_at
    alert.last_received_at, alert.event_count = state.last_received_at, state.event_count
    alert.is_flapping = state.is_flapping(state.last_received_at)


def _attach_services(alerts: Iterable[Alert], known: Iterable[Service]) -> None:
    """So that nobody asks for the services one by one."""
    by_id = {service.pk: service for service in known}
    wanted = {alert.service_id for alert in alerts if alert.service_id is not None}
    by_id |= Service.objects.in_bulk(wanted - by_id.keys())
    for alert in alerts:
        if alert.service_id is not None:
            alert.service = by_id[alert.service_id]
