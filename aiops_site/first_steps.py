"""What a new console still needs, told from the data and not from clicks."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q

from aiops_site import sample_estate
from aiops_site.estate import configuration, layout, state
from aiops_site.models import DismissedSteps
from automation.models import Runbook
from incidents import own_alerts
from incidents.connecting import TELEMETRY
from incidents.models import Alert, Integration, Message
from telemetry.models import Series, Service

NOT_YOURS = (own_alerts.NAME, sample_estate.ALERTS, sample_estate.METRICS)
DESCRIBED = tuple(service.description for service in layout.SERVICES)
SHOWN_SERVICES = 12
REMINDED_SECONDS = 60
_PROGRESS = "first-steps"


@dataclass(frozen=True, slots=True)
class Steps:
    """What is the operator's own, not the sample estate's. `heard` is a source that has been read
    at least once.

    Whether somebody looked at the runbooks is nowhere written down, so it is no step to be done.
    """

    heard: Integration | None
    unheard: Integration | None
    services: list[Service]
    service_count: int
    runbook_count: int
    series_count: int
    metrics_source: Integration | None
    people_count: int
    estate_runs: bool
    estate_was_broken: bool

    @property
    def done(self) -> dict[str, bool]:
        return {
            "source": self.heard is not None,
            "services": self.service_count > 0,
            "metrics": self.series_count > 0,
            "people": self.people_count > 1,
            "estate": self.estate_was_broken,
        }

    @property
    def done_count(self) -> int:
        return sum(self.done.values())

    @property
    def count(self) -> int:
        return len(self.done)


@dataclass(frozen=True, slots=True)
class Reminder:
    done: int
    of: int


def reminder_for(person: User) -> Reminder | None:
    """What the header shows until everything is done, or until this person dismissed it."""
    done, of = cache.get_or_set(_PROGRESS, _progress, REMINDED_SECONDS) or _progress()
    if done == of or DismissedSteps.objects.filter(person=person).exists():
        return None
    return Reminder(done, of)


def dismiss(person: User) -> None:
    DismissedSteps.objects.get_or_create(person=person)


def _progress() -> tuple[int, int]:
    steps = read_steps()
    return steps.done_count, steps.count


def read_steps() -> Steps:
    own = Integration.objects.exclude(name__in=NOT_YOURS)
    samples = Q(description__in=DESCRIBED) | Q(slug__in=configuration.HELPERS)
    services = Service.objects.exclude(samples)
    read = Message.objects.filter(integration=OuterRef("pk"), state=Message.State.PROCESSED)
    senders = own.exclude(provider__in=TELEMETRY)
    return Steps(
        heard=senders.filter(Exists(read)).order_by("-pk").first(),
        unheard=senders.filter(is_enabled=True).order_by("-pk").first(),
        services=list(services[:SHOWN_SERVICES]),
        service_count=services.count(),
        runbook_count=Runbook.objects.exclude(published=None).count(),
        series_count=Series.objects.filter(service__in=services).count(),
        metrics_source=own.filter(provider__in=TELEMETRY).order_by("-pk").first(),
        people_count=User.objects.filter(is_active=True).count(),
        estate_runs=_estate_runs(),
        estate_was_broken=Alert.objects.filter(integration__name=sample_estate.ALERTS).exists(),
    )


def _estate_runs() -> bool:
    try:
        state.read(settings.DATA_DIR)
    except state.EstateNotRunning:
        return False
    return True
