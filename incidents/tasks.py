from celery import shared_task
from django.utils import timezone

from incidents import bulk, intake, knowledge, lifecycle, retention
from incidents.analysis import pipeline, snapshots


@shared_task
def drain_inbox() -> None:
    if intake.drain():
        drain_inbox.delay_on_commit()


@shared_task
def forget_old_messages() -> None:
    """One turn a task, so that a large backlog never keeps a worker from the inbox."""
    if retention.forget_old_messages(timezone.now()):
        forget_old_messages.delay_on_commit()


@shared_task
def analyse(number: int) -> None:
    """One step a task, so that a long pipeline never keeps a worker from the inbox."""
    if pipeline.run_next(number):
        analyse.delay_on_commit(number)


@shared_task
def sweep_analysis() -> None:
    for number in pipeline.sweep(timezone.now()):
        analyse.delay_on_commit(number)


@shared_task
def renew_evidence() -> None:
    for number in snapshots.renew(timezone.now()):
        if pipeline.run_again(number):
            analyse.delay_on_commit(number)


@shared_task
def wake_snoozed() -> None:
    lifecycle.wake_snoozed(timezone.now())


@shared_task
def learn(number: int) -> None:
    knowledge.learn(number)


@shared_task
def sweep_knowledge() -> None:
    for number in knowledge.sweep(timezone.now()):
        learn.delay_on_commit(number)


@shared_task
def carry_out_bulk(pk: int) -> None:
    """One batch a task, so that a large one never keeps a worker from the inbox."""
    if bulk.carry_on(pk):
        carry_out_bulk.delay_on_commit(pk)


@shared_task
def sweep_bulk() -> None:
    for pk in bulk.unfinished():
        carry_out_bulk.delay_on_commit(pk)
