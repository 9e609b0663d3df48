"""What a new console still needs, told from the data and not from clicks."""

from dataclasses import dataclass
from itertools import count

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Exists, OuterRef

from aiops_site import sample_estate
from aiops_site.estate import state
from aiops_site.models import DismissedSteps
from automation.models import Runbook
from incidents import own_alerts
from incidents.connecting import TELEMETRY
from incidents.models import Alert, Integration, Message
from telemetry.models import Series, Service

NOT_YOURS = (own_alerts.NAME, sample_estate.ALERTS, sample_estate.METRICS)
SHOWN_SERVICES = 12
REMINDED_SECONDS = 60
_PROGRESS = "first-steps"


@dataclass(frozen=True, slots=True)
class Steps:
    """`heard` is a source of the operator's own that has been read at least once.

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
    read = Message.objects.filter(integration=OuterRef("pk"), state=Message.State.PROCESSED)
    senders = own.exclude(provider__in=TELEMETRY)
    return Steps(
        heard=senders.filter(Exists(read)).order_by("-pk").first(),
        unheard=senders.filter(is_enabled=True).order_by("-pk").first(),
        services=list(Service.objects.all()[:SHOWN_SERVICES]),
        service_count=Service.objects.count(),
        runbook_count=Runbook.objects.exclude(published=None).count(),
        series_count=Series.objects.count(),
        metrics_source=own.filter(provider__in=TELEMETRY).order_by("-pk").first(),
        people_count=User.objects.filter(is_active=True).count(),
        estate_runs=_estate_runs(),
        estate_was_broken=Alert.objects.filter(integration__name=sample_estate.ALERTS).exists(),
    )


def free_name(product: str) -> str:
    """For a new source: the product's own name, with a number if that is taken."""
    taken = set(Integration.objects.values_list("name", flat=True))
    numbered = (f"{product}-{number}" for number in count(2))
    return product if product not in taken else next(name for name in numbered if name not in taken)


def _estate_runs() -> bool:
    try:
        state.read(settings.DATA_DIR)
    except state.EstateNotRunning:
        return False
    return True
