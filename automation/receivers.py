"""What happens in this app when something happened: edges that schedule work."""

from typing import Any

from django.dispatch import receiver

from automation import planning, policies, signals, tasks, verification
from automation.models import Execution
from incidents import signals as incident_signals


@receiver(incident_signals.analysis_finished)
def plan_for_what_was_analysed(number: int, **_: Any) -> None:
    tasks.plan.delay_on_commit(number)


@receiver(incident_signals.incident_resolved)
def withdraw_what_waits(number: int, **_: Any) -> None:
    planning.withdraw(number)


@receiver(incident_signals.incident_changed)
def look_at_the_signal_again(number: int, kind: str, **_: Any) -> None:
    if kind in ("alerts", "status"):
        for execution_id in verification.watching(number):
            tasks.verify.delay_on_commit(execution_id)


@receiver(signals.execution_ready)
def run_what_is_ready(execution_id: int, **_: Any) -> None:
    tasks.run_execution.delay_on_commit(execution_id)


@receiver(signals.execution_verifiable)
def verify_what_ran(execution_id: int, **_: Any) -> None:
    tasks.verify.delay_on_commit(execution_id)


@receiver(signals.execution_finished)
def lower_policy_that_did_not_help(execution_id: int, **_: Any) -> None:
    related = ("remediation__policy",)
    execution = Execution.objects.select_related(*related).get(pk=execution_id)
    if execution.state in (Execution.State.FAILED, Execution.State.ROLLED_BACK):
        policies.lower_after_failure(execution.remediation)
