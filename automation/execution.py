"""The only module that moves an execution.

Every write names the fence it was made under: a worker that lost its lease writes nothing. A step
is `running` on disk before its effect can begin, so whoever comes after a dead worker knows that
the effect may have happened, and shows `unknown` instead of doing it twice.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from automation import guardrails, planning, signals
from automation.document_models import Verify
from automation.models import AutomationSwitch, Execution, OutputLine, Remediation, Runbook, StepRun
from automation.plan import PlanRefused
from incidents import lifecycle
from incidents.lifecycle import InvalidTransition
from incidents.models import Alert, Incident

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


def claim(execution_id: int) -> Execution | None:
    """Take a free execution under a new fence, or None when it is held, finished or not allowed.

    What changed since the approval, and guardrails that others used up meanwhile, are found here,
    under the runbook's lock, before anything is run.
    """
    with transaction.atomic():
        execution = _lock_with_runbook(execution_id)
        now = timezone.now()  # not before the lock: others began meanwhile, and they count
        is_free = execution.lease_until is None or execution.lease_until < now
        if execution.state not in (State.PENDING, State.RUNNING) or not is_free:
            return None
        if execution.started_at is None and (objection := _objection(execution, now)):
            _invalidate(execution, objection)
            return None
        execution.state = State.RUNNING
        execution.started_at = execution.started_at or now
        execution.fence += 1
        execution.lease_until = now + LEASE
        execution.save(update_fields=["state", "started_at", "fence", "lease_until"])
        _mark_running(execution)
    return execution


def renew(execution: Execution) -> str:
    """Prolong the lease; returns `stop`, `kill` or nothing. Raises `Fenced`.

    A pause of automation stops what was started before it; what a person approves afterwards runs.
    """
    mine = Execution.objects.filter(pk=execution.pk, fence=execution.fence, state=State.RUNNING)
    if not mine.update(lease_until=timezone.now() + LEASE):
        raise Fenced
    asked = mine.values_list("stop_requested", flat=True).get()
    paused = AutomationSwitch.objects.filter(is_paused=True, changed_at__gt=execution.created_at)
    return asked or ("stop" if paused.exists() else "")


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


def overdue(at: datetime) -> list[int]:
    """Executions nobody holds although there is something to do."""
    free = Q(lease_until=None) | Q(lease_until__lt=at)
    waiting = Execution.objects.filter(free, state__in=(State.PENDING, State.RUNNING))
    return list(waiting.values_list("pk", flat=True))


ROLLED_BACK_FROM = (State.RUNNING, State.VERIFYING)
_STATUS_AFTER = {
    State.SUCCEEDED: Status.SUCCEEDED,
    State.FAILED: Status.FAILED,
    State.UNKNOWN: Status.RUNNING,  # nobody knows, so nothing like it may start meanwhile
    State.STOPPED: Status.FAILED,
    State.ROLLED_BACK: Status.ROLLED_BACK,
}


def _lock_with_runbook(execution_id: int) -> Execution:
    """The runbook's row is locked too, so that caps count right when many start at once.

    The incident comes before what belongs to it, as everywhere, so that no two wait for each other.
    """
    related = ("remediation__incident", "remediation__version", "remediation__policy")
    runbook = Runbook.objects.filter(remediations__execution=execution_id)
    runbook.select_for_update(of=("self",), no_key=True).get()
    lifecycle.locked(Remediation.objects.get(execution=execution_id).incident_id)
    executions = Execution.objects.select_for_update(of=("self",)).select_related(*related)
    return executions.get(pk=execution_id)


def _objection(execution: Execution, now: datetime) -> str:
    """Why the approved plan must not run any more; empty when it may."""
    remediation = execution.remediation
    try:
        plan = planning.plan_now(remediation)
    except PlanRefused as refused:
        return f"The plan can no longer be made: {refused}"
    if plan.plan_hash != remediation.plan_hash:
        return "The plan changed after it was approved."
    is_automatic = remediation.policy_id is not None and not remediation.approvals.exists()
    checks = guardrails.check(remediation, now, is_automatic=is_automatic)
    return " ".join(check.reason for check in checks if not check.passed)


def _invalidate(execution: Execution, objection: str) -> None:
    execution.state, execution.reason = State.STOPPED, objection
    execution.finished_at = timezone.now()
    execution.save(update_fields=["state", "reason", "finished_at"])
    execution.steps.update(state=Step.SKIPPED)
    remediation = execution.remediation
    remediation.status, remediation.status_reason = Status.INVALIDATED, objection
    remediation.save(update_fields=["status", "status_reason"])
    incident = lifecycle.locked(remediation.incident_id)
    payload = {"remediation": remediation.pk, "status": remediation.status}
    text = f"Nothing was run: {objection}"
    lifecycle.record(incident, "remediation", text, actor="worker", payload=payload)
    planning.announce(remediation)


def _mark_running(execution: Execution) -> None:
    remediation = execution.remediation
    if remediation.status == Status.RUNNING:
        return
    remediation.status = Status.RUNNING
    remediation.save(update_fields=["status"])
    execution.verification = {"alerts": _watched_alerts(remediation)}
    execution.save(update_fields=["verification"])
    incident = lifecycle.locked(remediation.incident_id)
    payload: dict[str, Any] = {
        "execution": execution.pk,
        "remediation": remediation.pk,
        "state": "running",
    }
    lifecycle.record(
        incident, "execution", f"Started: {remediation.title}", actor="worker", payload=payload
    )
    say(execution, "Started.", kind=OutputLine.Kind.STATE)
    planning.announce(remediation)


def _watched_alerts(remediation: Remediation) -> list[int]:
    """The alerts whose end means that it worked: the targets' own, else all of the incident."""
    firing = Alert.objects.filter(incident=remediation.incident_id, status=Alert.Status.FIRING)
    own = firing.filter(service__slug__in=remediation.plan["targets"])
    return list((own if own.exists() else firing).values_list("pk", flat=True))


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


def _fact(execution: Execution) -> dict[str, Any]:
    facts = {"execution": execution.pk, "remediation": execution.remediation_id}
    return {**facts, "state": execution.state}


def _tell_spoke(execution: Execution) -> None:
    transaction.on_commit(
        partial(signals.execution_spoke.send, sender=Execution, execution_id=execution.pk)
    )
