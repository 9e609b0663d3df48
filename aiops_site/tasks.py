from typing import Any

from celery import shared_task
from celery.signals import after_task_publish
from django.db import close_old_connections

from aiops_site import heartbeats


@shared_task
def beat_heartbeat(queue: str) -> None:
    """Rung every few seconds on each queue: whoever runs it is alive."""
    heartbeats.beat(heartbeats.worker_of(queue))


@after_task_publish.connect(sender=beat_heartbeat.name, weak=False)
def note_scheduler(**_: Any) -> None:
    """Only beat rings it, and this is called in beat's own process once the broker has it."""
    close_old_connections()
    heartbeats.beat(heartbeats.SCHEDULER)
