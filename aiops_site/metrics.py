"""The console's own metrics. Counted from the database when asked."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aiops_site import doorbell
from automation.models import Execution, Remediation
from incidents.models import Alert, Incident, Message

REGISTRY = CollectorRegistry()
CSP_REPORTS = Counter(
    "console_csp_reports", "Reports of the content security policy.", registry=REGISTRY
)


class Counted(Collector):
    """Rows by state; what waits in the inbox and since when; what this process rang."""

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _by("console_incidents", "Incidents by status.", Incident, "status")
        yield _by("console_alerts", "Alerts by status.", Alert, "status")
        yield _by("console_remediations", "Remediations by status.", Remediation, "status")
        yield _by("console_executions", "Executions by state.", Execution, "state")
        yield from _inbox()
        yield from _doorbell()


def _by(name: str, text: str, model: type, field: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[field])
    rows = model.objects.order_by().values_list(field).annotate(count=Count("pk"))  # type: ignore[attr-defined]
    for value, count in rows:
        family.add_metric([value], count)
    return family


def _inbox() -> Iterator[GaugeMetricFamily]:
    waiting = Message.objects.filter(state=Message.State.PENDING)
    facts = waiting.aggregate(count=Count("pk"), oldest=Min("received_at"))
    age = (timezone.now() - facts["oldest"]).total_seconds() if facts["oldest"] else 0.0
    yield GaugeMetricFamily("console_inbox_waiting", "Messages not yet read.", facts["count"])
    yield GaugeMetricFamily("console_inbox_oldest_seconds", "Age of the oldest of them.", age)
    dead = Message.objects.dead().count()
    yield GaugeMetricFamily("console_inbox_dead", "Messages that could not be read.", dead)


def _doorbell() -> Iterator[GaugeMetricFamily]:
    for kind, counts in doorbell.counts().items():
        for what in ("sent", "coalesced", "dropped"):
            name = f"console_{kind}_{what}"
            yield GaugeMetricFamily(name, f"{kind} {what} by this process.", getattr(counts, what))


REGISTRY.register(Counted())
