"""The only module that moves an execution, once `claiming` has given it to a worker.

Every write names the fence it was made under: a worker that lost its lease writes nothing. A step
is `running` on disk before its effect can begin, so whoever comes after a dead worker knows that
the effect may have happened, and shows `unknown` instead of doing it twice.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from automation import planning, signals
from automation.document_models import Verify
from automation.models import Execution, OutputLine, Remediation, StepRun
from incidents import lifecycle
from incidents.lifecycle import InvalidTransition
from incidents.models import Incident

LEASE = timedelta(seconds=15)
LONGEST_LINE = 8000
NOBODY_KNOWS = "It may or may not have happened."
State = Execution.State
Step = StepRun.State
Status = Remediation.Status


class Fenced(Exception):
    """Another worker has taken over; this one may write nothing any more."""


def start(remediation: Remediation) -> Execution:
    """In the transaction of the approval: the one execution of it, not yet claimed."""
    remediation.status = Status.APPROVED
    remediation.decided_at = timezone.now()
    remediation.save(update_fields=["status", "decided_at"])
    execution = Execution.objects.create(remediation=remediation, created_at=timezone.now())
    steps = [(False, step) for step in remediation.plan["steps"]]
    steps += [(True, step) for step in remediation.plan["rollback"]]
    StepRun.objects.bulk_create(
        StepRun(
            execution=execution,
            position=position,
            is_rollback=is_rollback,
            title=step["name"][:300],
            step=step,
        )
        for position, (is_rollback, step) in enumerate(steps, start=1)
    )
    transaction.on_commit(
        partial(signals.execution_ready.send, sender=Execution, execution_id=execution.pk)
    )
    return execution


def begin_step(execution: Execution, step: StepRun) -> datetime:
    """Journal the intent. After this commit the effect counts as possible.

    Returns when the lease ends: what did not begin by then must not begin any more.
    """
    with transaction.atomic():
        holder = _hold(execution)
        lease_until = holder.lease_until = timezone.now() + LEASE
        holder.save(update_fields=["lease_until"])
        step.state, step.fence = Step.RUNNING, execution.fence
        step.attempts += 1
        step.started_at = step.started_at or timezone.now()
        step.save(update_fields=["state", "fence", "attempts", "started_at"])
        say(holder, f"{step.title}: started", step=step, kind=OutputLine.Kind.STEP)
    return lease_until


def end_step(execution: Execution, step: StepRun, state: str, summary: str) -> None:
    with transaction.atomic():
        holder = _hold(execution)
        step.state, step.summary, step.finished_at = Step(state), summary, timezone.now()
        step.save(update_fields=["state", "summary", "finished_at"])
        say(holder, f"{step.title}: {summary}", step=step, kind=OutputLine.Kind.STEP)


def print_lines(execution: Execution, step: StepRun, lines: list[str]) -> None:
    with transaction.atomic():
        holder = _hold(execution)
        for line in lines:
            say(holder, line, step=step)


def say(
    holder: Execution, text: str, *, step: StepRun | None = None, kind: str = OutputLine.Kind.OUTPUT
) -> None:
    """One line of output. The caller holds the execution's lock."""
    holder.last_seq += 1
    holder.save(update_fields=["last_seq"])
    OutputLine.objects.create(
        execution=holder,
        seq=holder.last_seq,
        step=step,
        at=timezone.now(),
        kind=kind,
        text=text[:LONGEST_LINE],
    )
    _tell_spoke(holder)


@transaction.atomic
def verify_next(execution: Execution, within: Verify) -> None:
    """Every step is done: from now on the signal decides, and no worker is held while waiting."""
    lifecycle.locked(execution.remediation.incident_id)
    holder = _hold(execution)
    holder.state = State.VERIFYING
    holder.lease_until = None
    holder.verify_until = timezone.now() + timedelta(seconds=within.within_seconds)
    holder.save(update_fields=["state", "lease_until", "verify_until"])
    say(holder, "Every step is done; watching the signal.", kind=OutputLine.Kind.STATE)
    _watch_incident(holder)
    transaction.on_commit(
        partial(signals.execution_verifiable.send, sender=Execution, execution_id=holder.pk)
    )


@transaction.atomic
def begin_rollback(execution_id: int, reason: str, *, fence: int) -> bool:
    """When the runbook declares a way back: the execution is free to be claimed for it.

    A running execution has a reason exactly while it goes back. False also under another fence.
    """
    execution = Execution.objects.select_for_update(of=("self",)).get(pk=execution_id)
    if execution.state not in ROLLED_BACK_FROM or execution.fence != fence:
        return False
    if not _has_rollback(execution):
        return False
    execution.state, execution.lease_until = State.RUNNING, None
    execution.reason = reason
    execution.fence += 1
    execution.save(update_fields=["state", "lease_until", "reason", "fence"])
    execution.steps.filter(is_rollback=False, state=Step.PENDING).update(state=Step.SKIPPED)
    say(execution, f"Rolling back: {reason}", kind=OutputLine.Kind.STATE)
    transaction.on_commit(
        partial(signals.execution_ready.send, sender=Execution, execution_id=execution.pk)
    )
    return True


@transaction.atomic
def finish(execution_id: int, state: str, reason: str, *, fence: int | None = None) -> bool:
    """The end, told on the incident. False when it had ended, or under another fence."""
    number = Remediation.objects.values_list("incident_id", flat=True).get(execution=execution_id)
    incident = lifecycle.locked(number)
    execution = Execution.objects.select_for_update(of=("self",)).get(pk=execution_id)
    if execution.state not in Execution.UNFINISHED or fence not in (None, execution.fence):
        return False
    execution.state, execution.reason = State(state), reason
    execution.fence += 1
    execution.lease_until, execution.finished_at = None, timezone.now()
    execution.save(update_fields=["state", "reason", "fence", "lease_until", "finished_at"])
    execution.steps.filter(state=Step.PENDING).update(state=Step.SKIPPED)
    execution.steps.filter(state=Step.RUNNING).update(state=Step.UNKNOWN, summary=NOBODY_KNOWS)
    say(execution, reason, kind=OutputLine.Kind.STATE)
    remediation = execution.remediation
    remediation.status = _STATUS_AFTER[execution.state]
    remediation.status_reason = reason
    remediation.save(update_fields=["status", "status_reason"])
    lifecycle.record(
        incident,
        "execution",
        f"{remediation.title}: {execution.get_state_display()}. {reason}",
        actor="worker",
        payload={
            "execution": execution.pk,
            "remediation": remediation.pk,
            "state": execution.state,
        },
    )
    planning.announce(remediation)
    transaction.on_commit(
        partial(signals.execution_finished.send, sender=Execution, execution_id=execution.pk)
    )
    return True


ROLLED_BACK_FROM = (State.RUNNING, State.VERIFYING)
_STATUS_AFTER = {
    State.SUCCEEDED: Status.SUCCEEDED,
    State.FAILED: Status.FAILED,
    State.UNKNOWN: Status.RUNNING,  # nobody knows, so nothing like it may start meanwhile
    State.STOPPED: Status.FAILED,
    State.ROLLED_BACK: Status.ROLLED_BACK,
}


def _hold(execution: Execution) -> Execution:
    """The execution under its lock, if this worker still holds it. Raises `Fenced`."""
    mine = Execution.objects.select_for_update(of=("self",)).filter(
        pk=execution.pk, fence=execution.fence, state=State.RUNNING
    )
    holder = mine.first()
    if holder is None:
        raise Fenced
    return holder


def _has_rollback(execution: Execution) -> bool:
    return execution.steps.filter(is_rollback=True, state=Step.PENDING).exists()


def _watch_incident(execution: Execution) -> None:
    number = execution.remediation.incident_id
    if Incident.objects.get(number=number).is_active:
        try:
            lifecycle.transition(
                number,
                to=Incident.Status.MONITORING,
                actor="worker",
                reason=execution.remediation.title,
            )
        except InvalidTransition:
            return


def _tell_spoke(execution: Execution) -> None:
    transaction.on_commit(
        partial(signals.execution_spoke.send, sender=Execution, execution_id=execution.pk)
    )
