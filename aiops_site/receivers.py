"""What was committed is poked to the pages that show it."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import m2m_changed
from django.dispatch import receiver

from aiops_site import doorbell
from aiops_site.roles import STAFF
from automation import signals as automation_signals
from incidents import signals as incident_signals
from telemetry import signals as telemetry_signals


@receiver(incident_signals.timeline_grew)
def poke_incident_page(number: int, **_: Any) -> None:
    _poke(f"incident.{number}")


@receiver(incident_signals.incident_changed)
def poke_incident_list(number: int, kind: str, **_: Any) -> None:
    _poke("incidents", kind=kind, number=number)


@receiver(incident_signals.message_settled)
def poke_sources(integration: int, **_: Any) -> None:
    _poke("sources", kind="message", number=integration)


@receiver(telemetry_signals.points_judged)
def poke_charts(services: set[str], **_: Any) -> None:
    for service in services:
        _poke(f"series.{service}")


@receiver(automation_signals.execution_spoke)
def poke_execution(execution_id: int, **_: Any) -> None:
    _poke(f"execution.{execution_id}")


@receiver(automation_signals.remediation_changed)
def poke_approvals(remediation_id: int, number: int, **_: Any) -> None:
    _poke("approvals", kind="remediation", number=remediation_id)
    _poke("incidents", kind="remediation", number=number)


def _poke(group: str, **fact: Any) -> None:
    doorbell.poke(group, {"type": "poke", "group": group, "fact": fact})


@receiver(m2m_changed, sender=User.groups.through)
def let_editors_into_the_admin(instance: User, action: str, *, reverse: bool, **_: Any) -> None:
    """The roles decide who is staff, so that nobody has to tick a box beside them."""
    if reverse or not action.startswith("post_"):
        return
    is_staff = instance.is_superuser or instance.groups.filter(name__in=STAFF).exists()
    User.objects.filter(pk=instance.pk).update(is_staff=is_staff)
    instance.is_staff = is_staff
