"""What is known of services that tells how they are; as many queries for one as for a thousand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from incidents.models import Alert, Incident
from telemetry.chart_loading import as_moment
from telemetry.models import Anomaly, Dependency, Service
from telemetry.series_names import series_title
from telemetry.units import format_range, format_value

STALE_AFTER = timedelta(minutes=10)
MOST_INCIDENTS = 1_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """As callers see a service: all their calls, the share that fails, the p95 of the busiest."""

    calls_per_minute: float
    error_share: float
    p95_ms: float | None

    @property
    def words(self) -> str:
        p95 = f", p95 {self.p95_words}" if self.p95_words else ""
        return f"{self.rate_words}, {self.error_percent} fail{p95}"

    @property
    def rate_words(self) -> str:
        return f"{format_value(self.calls_per_minute, '')} calls a minute"

    @property
    def rate_short(self) -> str:
        return f"{format_value(self.calls_per_minute, '')}/min"

    @property
    def error_percent(self) -> str:
        return format_value(100 * self.error_share, "%")

    @property
    def p95_words(self) -> str:
        return "" if self.p95_ms is None else format_value(self.p95_ms, "ms")


@dataclass(slots=True)
class Signs:
    """`incidents` are open and the worst first; `anomalies` are running, in words; `callees` are
    those of its calls that matter now, and `is_calling` says whether there were any lately.
    `heard_at` is when it was last measured."""

    slug: str
    incidents: list[Incident] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    traffic: Traffic | None = None
    callees: list[int] = field(default_factory=list)
    heard_at: datetime | None = None
    is_alerted_on: bool = False
    is_calling: bool = False

    def is_heard(self, now: datetime) -> bool:
        """Lately; an alert source that spoke of it once would speak again."""
        is_measured = self.heard_at is not None and now - self.heard_at < STALE_AFTER
        is_seen = self.is_calling or self.traffic is not None
        return is_measured or is_seen or self.is_alerted_on


def signs_of(ids: Collection[int], now: datetime) -> dict[int, Signs]:
    """Of the services and of those that they call."""
    is_used = Q(calls_per_minute__gt=0, seen_at__gte=now - STALE_AFTER)
    is_said = ~Q(origin=Dependency.Origin.OBSERVED)
    needed = Dependency.objects.filter(is_used | is_said, caller__in=ids).order_by("callee__slug")
    calls = list(needed.values_list("caller", "callee"))
    signs = _heard_of({*ids, *(callee for _, callee in calls)})
    for caller, callee in calls:
        signs[caller].callees.append(callee)
    used = Dependency.objects.filter(is_used)
    _add_traffic(signs, used.filter(callee__in=signs))
    for caller in (
        used.filter(caller__in=ids).order_by().values_list("caller", flat=True).distinct()
    ):
        signs[caller].is_calling = True
    for pk, words in _running_anomalies(signs):
        signs[pk].anomalies.append(words)
    _add_incidents(signs)
    return signs


def _heard_of(ids: Collection[int]) -> dict[int, Signs]:
    is_alerted_on = Exists(Alert.objects.filter(service=OuterRef("pk")))
    services = Service.objects.filter(pk__in=ids).order_by()
    rows = services.annotate(alerted=is_alerted_on, newest=Max("series__last_at_ms"))
    return {
        pk: Signs(slug, heard_at=as_moment(newest) if newest else None, is_alerted_on=alerted)
        for pk, slug, alerted, newest in rows.values_list("pk", "slug", "alerted", "newest")
    }


def _add_traffic(signs: Mapping[int, Signs], used: QuerySet[Dependency]) -> None:
    by_callee: defaultdict[int, list[tuple[float, float, float | None]]] = defaultdict(list)
    rows = used.order_by("pk").values_list("callee", "calls_per_minute", "error_share", "p95_ms")
    for callee, rate, share, p95_ms in rows:
        by_callee[callee].append((rate or 0.0, share or 0.0, p95_ms))
    for callee, calls in by_callee.items():
        total = sum(rate for rate, _, _ in calls)
        failed = sum(rate * share for rate, share, _ in calls)
        busiest = max(calls, key=lambda call: call[0])
        signs[callee].traffic = Traffic(total, failed / total, busiest[2])


def _running_anomalies(ids: Collection[int]) -> Iterable[tuple[int, str]]:
    running = Anomaly.objects.filter(series__service__in=ids, ended_at=None)
    for each in running.select_related("series").order_by("-peak_score"):
        unit = each.series.unit
        expected = format_range(max(each.lower, 0.0), max(each.upper, 0.0), unit)
        value, title = format_value(each.value, unit), series_title(each.series.name)
        yield each.series.service_id, f"{title} was {value}, expected {expected}"


def _add_incidents(signs: Mapping[int, Signs]) -> None:
    """A service that is merely touched by another's incident is affected too."""
    worst = Incident.objects.active().order_by("severity_rank", "-number")[:MOST_INCIDENTS]
    active = {incident.number: incident for incident in worst}
    touched = Incident.services.through.objects.filter(incident__in=active)
    pairs = {(number, service) for number, service in touched.values_list("incident", "service")}
    own = {(number, each.service_id) for number, each in active.items() if each.service_id}
    for number, service in pairs | own:
        if service in signs:
            signs[service].incidents.append(active[number])
    for pk, sign in signs.items():
        sign.incidents.sort(key=lambda each: _urgency(each, pk))


def _urgency(incident: Incident, service: int) -> tuple[int, bool, int]:
    return incident.severity_rank, incident.service_id != service, -incident.number
