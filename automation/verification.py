"""Did it help? The signal that opened the incident decides, not the exit of a command."""

from datetime import datetime

from django.utils import timezone

from automation import execution as journal
from automation.models import Execution
from incidents import knowledge
from incidents.models import Alert

State = Execution.State


def check(execution_id: int) -> None:
    """Succeeds as soon as every watched alert has resolved; fails when the time is up."""
    execution = Execution.objects.select_related("remediation__version").get(pk=execution_id)
    if execution.state != State.VERIFYING:
        return
    still = _still_firing(execution)
    if not still:
        _end(execution, State.SUCCEEDED, "Verified: every watched alert has resolved.")
    elif execution.verify_until and timezone.now() >= execution.verify_until:
        _end_unverified(execution, still)


def due(at: datetime) -> list[int]:
    return list(Execution.objects.filter(state=State.VERIFYING).values_list("pk", flat=True))


def watching(number: int) -> list[int]:
    """Executions that wait for a signal of this incident."""
    waiting = Execution.objects.filter(state=State.VERIFYING, remediation__incident_id=number)
    return list(waiting.values_list("pk", flat=True))


def _still_firing(execution: Execution) -> list[str]:
    watched = Alert.objects.filter(pk__in=execution.verification.get("alerts", []))
    return list(watched.filter(status=Alert.Status.FIRING).values_list("name", flat=True))


def _end_unverified(execution: Execution, still: list[str]) -> None:
    reason = f"No effect in time: {', '.join(still[:3])} still firing."
    _learn(execution, is_verified=False)
    if not journal.begin_rollback(execution.pk, reason, fence=execution.fence):
        _end(execution, State.FAILED, reason, learnt=True)


def _end(execution: Execution, state: State, reason: str, *, learnt: bool = False) -> None:
    if journal.finish(execution.pk, state, reason, fence=execution.fence) and not learnt:
        _learn(execution, is_verified=state == State.SUCCEEDED)


def _learn(execution: Execution, *, is_verified: bool) -> None:
    remediation = execution.remediation
    knowledge.record_fix(
        remediation.incident_id,
        runbook=remediation.runbook.name,
        verified=is_verified,
        reference=f"execution:{execution.pk}",
    )
