"""The Celery application. Its messages are doorbells: ids to look at, never the work itself.

Tasks are acknowledged early: a message lost with its worker delays the work until beat rings
again, while one that comes back could kill worker after worker. Attempts are counted in the rows.
Steps of an execution may block for as long as their time limit, so they have a queue, and `up`
gives that queue a worker of its own: intake and analysis never wait behind a slow remediation.
"""

import os
from typing import Any

from celery import Celery
from celery.contrib.django.task import DjangoTask
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown
from django.db import transaction

from aiops_site import doorbell, spool
from aiops_site.supervision.lifeline import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiops_site.settings")
spool.register()

PIPELINE_QUEUE = "pipeline"
EXECUTION_QUEUE = "execution"


class DoorbellTask(DjangoTask):
    """A task that is rung after commit, from a thread of its own."""

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
        transaction.on_commit(lambda: self._ring(args, kwargs))

    def _ring(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.app.conf.task_always_eager:
            self.delay(*args, **kwargs)
        else:
            doorbell.ring(self.name, args, kwargs)


app = Celery("aiops", task_cls=DoorbellTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_default_queue = PIPELINE_QUEUE
app.autodiscover_tasks()


@setup_logging.connect
def _leave_logging_to_settings(**signal: Any) -> None:
    """Being connected is what keeps Celery from setting up loggers of its own."""


@worker_process_init.connect
def _tie_to_worker(**signal: Any) -> None:
    die_with_parent()


@worker_process_shutdown.connect
def _ring_what_waits(**signal: Any) -> None:
    doorbell.flush()
