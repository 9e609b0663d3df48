from celery import shared_task
from django.utils import timezone

from automation import claiming, planning, policies, running, verification


@shared_task
def plan(number: int) -> None:
    planning.propose(number)
    policies.decide(number)


@shared_task
def run_execution(execution_id: int) -> None:
    running.run(execution_id)


@shared_task
def verify(execution_id: int) -> None:
    verification.check(execution_id)


@shared_task
def sweep_executions() -> None:
    """Whatever a lost message or a lost worker left undone is rung for again."""
    now = timezone.now()
    planning.expire(now)
    for execution_id in claiming.overdue(now):
        run_execution.delay_on_commit(execution_id)
    for execution_id in verification.due(now):
        verify.delay_on_commit(execution_id)
    for number in policies.held_back():
        plan.delay_on_commit(number)
