"""A person steps in: stops or kills a run, or says what nobody else can know."""

from functools import partial

from django.db import transaction

from automation import execution as journal
from automation import signals
from automation.models import Execution, OutputLine, StepRun
from incidents import lifecycle

State = Execution.State
Step = StepRun.State


class NotStoppable(Exception):
    """The execution is past the point where this can be asked of it."""


@transaction.atomic
def request_stop(execution_id: int, *, how: str, by: str) -> None:
    """`stop` ends it after the step that runs; `kill` lets go of that step too."""
    execution = _locked(execution_id)
    if execution.state not in (State.PENDING, State.RUNNING):
        raise NotStoppable(f"It is {execution.get_state_display()}; there is nothing to stop.")
    execution.stop_requested = how
    execution.save(update_fields=["stop_requested"])
    journal.say(execution, f"{by} asked to {how} it.", kind=OutputLine.Kind.STATE)


@transaction.atomic
def settle_unknown(step_id: int, *, verdict: str, by: str) -> None:
    """A person looked: the step was `done`, was `not_done`, or they `give_up` on the run."""
    step = StepRun.objects.select_related("execution__remediation").get(pk=step_id)
    lifecycle.locked(step.execution.remediation.incident_id)
    execution = _locked(step.execution_id)
    if step.state != Step.UNKNOWN or execution.state != State.UNKNOWN:
        raise NotStoppable("This step's outcome is known.")
    step.state = _STATE_AFTER[verdict]
    step.save(update_fields=["state"])
    if verdict == "give_up":
        _give_up(execution, step, by=by)
        return
    words = f"{by} settled {step.title}: {verdict.replace('_', ' ')}."
    journal.say(execution, words, step=step, kind=OutputLine.Kind.STATE)
    _go_on(execution, reason=words if step.is_rollback else "")


_STATE_AFTER = {"done": Step.SUCCEEDED, "not_done": Step.PENDING, "give_up": Step.FAILED}


def _locked(execution_id: int) -> Execution:
    return Execution.objects.select_for_update(of=("self",)).get(pk=execution_id)


def _give_up(execution: Execution, step: StepRun, *, by: str) -> None:
    """Taken up again only to end as every other execution ends, told on the incident."""
    execution.state = State.RUNNING
    execution.save(update_fields=["state"])
    reason = f"{by} gave up on {step.title}; whether it happened stays unknown."
    journal.finish(execution.pk, State.FAILED, reason, fence=execution.fence)


def _go_on(execution: Execution, *, reason: str) -> None:
    """In the direction it went: with a reason back, without one forward."""
    execution.state, execution.finished_at, execution.stop_requested = State.RUNNING, None, ""
    execution.reason = reason
    execution.save(update_fields=["state", "finished_at", "stop_requested", "reason"])
    left_out = execution.steps.filter(state=Step.SKIPPED)
    (left_out.filter(is_rollback=True) if reason else left_out).update(state=Step.PENDING)
    ready = partial(signals.execution_ready.send, sender=Execution, execution_id=execution.pk)
    transaction.on_commit(ready)
