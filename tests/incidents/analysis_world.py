"""A small shop with an incident in it, for the tests of the analysis and the knowledge base."""

from datetime import timedelta
from itertools import count

from django.db import transaction
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Alert, AlertLink, Incident, Severity
from telemetry.models import Dependency, Point, Series, Service

_numbers = count(1)
CALLS = (
    ("gateway", "catalog"),
    ("gateway", "checkout"),
    ("checkout", "payments"),
    ("checkout", "store"),
    ("payments", "store"),
    ("catalog", "store"),
)
TIERS = {"gateway": 1, "catalog": 2, "checkout": 1, "payments": 1, "store": 1}


def build_shop() -> dict[str, Service]:
    services = {
        slug: Service.objects.create(slug=slug, tier=tier, owner="web")
        for slug, tier in TIERS.items()
    }
    Dependency.objects.bulk_create(
        Dependency(caller=services[caller], callee=services[callee]) for caller, callee in CALLS
    )
    return services


def open_incident(service: Service | None, *, title="", seconds_ago=60, severity="critical"):
    """Without alerts; the onset is so many seconds ago."""
    with transaction.atomic():
        incident = lifecycle.open_incident(
            title=title or f"Trouble with {service}",
            severity=Severity(severity),
            correlation_key=f"key:{next(_numbers)}",
            onset_at=timezone.now() - timedelta(seconds=seconds_ago),
            service_id=service.pk if service else None,
            actor="intake",
            text="Opened",
        )
    if service:
        incident.services.add(service)
    return incident


def add_alert(incident: Incident, name: str, service: Service | None = None, **fields) -> Alert:
    seconds = fields.pop("after", 0)
    starts_at = incident.onset_at + timedelta(seconds=seconds)
    alert = Alert.objects.create(
        **{
            "fingerprint": f"{next(_numbers):032d}",
            "name": name,
            "severity": "critical",
            "status": "firing",
            "service": service,
            "labels": {"service": service.slug} if service else {},
            "starts_at": starts_at,
            "first_received_at": starts_at,
            "last_received_at": starts_at,
            "incident": incident,
        }
        | fields
    )
    AlertLink.objects.create(
        incident=incident, alert=alert, method="first", text="", linked_at=timezone.now()
    )
    if service:
        incident.services.add(service)
    Incident.objects.filter(pk=incident.pk).update(alert_count=incident.links.count())
    return alert


def resolve(incident: Incident) -> Incident:
    return lifecycle.transition(incident.number, to="resolved", actor="intake")


def add_series(service: Service, name: str, *, unit="s", **labels: str) -> Series:
    return Series.objects.create(
        service=service, name=name, unit=unit, labels=labels, key=f"{next(_numbers):064d}"
    )


def add_points(series: Series, incident: Incident, *, usual=0.02, then=None, until=50, start=-120):
    """A point a second: `usual` within 0.01 to 0.05 up to the onset, `then` after it; judged."""
    onset_ms = int(incident.onset_at.timestamp() * 1000)
    points = []
    for second in range(start, until):
        value = usual if then is None or second < 0 else then
        score = 0.2 if value == usual else 4.0
        points.append(
            Point(
                series=series,
                at_ms=onset_ms + second * 1000,
                value=value,
                lower=usual / 2,
                upper=usual * 2.5,
                score=score,
            )
        )
    Point.objects.bulk_create(points)
    Series.objects.filter(pk=series.pk).update(last_at_ms=points[-1].at_ms)


def add_calm_metrics(services, incident: Incident) -> None:
    """Three series of each service, all as expected."""
    for service in services:
        for name in ("http.server.request.duration.p95", "process.memory.usage", "errors.rate"):
            add_points(add_series(service, name), incident)


def hang_checkout(shop: dict[str, Service]) -> Incident:
    """Checkout answers nobody and reports nothing; its caller waits for it."""
    incident = open_incident(shop["checkout"], title="checkout does not answer")
    add_alert(
        incident, "ServiceDown", shop["checkout"], summary="checkout does not answer its probe"
    )
    add_calm_metrics([s for slug, s in shop.items() if slug != "checkout"], incident)
    add_points(add_series(shop["checkout"], "process.memory.usage", unit="By"), incident, until=1)
    seen = add_series(
        shop["checkout"], "http.client.request.duration.seen_by_callers.p95", caller="gateway"
    )
    add_points(seen, incident, then=2.0)
    return incident
