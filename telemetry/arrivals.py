"""What the stores hold of what senders of telemetry sent; nobody notes which of them it was."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from telemetry import own_metrics
from telemetry.chart_loading import as_moment
from telemetry.models import Series
from telemetry.store.database import Unavailable


@dataclass(frozen=True, slots=True)
class Arrived:
    """`services` is None where series are not sorted by service."""

    series: int
    services: int | None
    last_at: datetime | None


def arrived(provider: str) -> Arrived:
    """Of everything that came the way this provider's senders take."""
    return _raw() if provider == "prometheus" else _golden()


def _golden() -> Arrived:
    found = Series.objects.aggregate(
        series=Count("pk"), services=Count("service", distinct=True), newest=Max("last_at_ms")
    )
    return Arrived(found["series"], found["services"], _moment(found["newest"]))


def _raw() -> Arrived:
    try:
        size = own_metrics.store().size()
    except Unavailable:
        return Arrived(0, None, None)
    return Arrived(size.series, None, _moment(size.newest_ms))


def _moment(ms: int | None) -> datetime | None:
    return as_moment(ms) if ms else None
