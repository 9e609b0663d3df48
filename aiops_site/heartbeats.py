"""Signs of life: the scheduler's when it rings, a worker's when it answers."""

from datetime import datetime

from django.utils import timezone

from aiops_site.models import Heartbeat

SCHEDULER = "scheduler"


def worker_of(queue: str) -> str:
    return f"worker {queue}"


def beat(name: str) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def last_seen() -> dict[str, datetime]:
    return dict(Heartbeat.objects.values_list("name", "at"))
