"""Who may move an execution: a worker claims it under a new fence and keeps it by its lease."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from automation import guardrails, planning
from automation.execution import LEASE, Fenced, say
from automation.models import (
    AutomationSwitch,
    Execution,
    OutputLine,
    Remediation,
    Runbook,
    StepRun,
)
from automation.plan import PlanRefused
from incidents import lifecycle
from incidents.models import Alert

State = Execution.State
Status = Remediation.Status


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


def overdue(at: datetime) -> list[int]:
    """Executions nobody holds although there is something to do."""
    free = Q(lease_until=None) | Q(lease_until__lt=at)
    waiting = Execution.objects.filter(free, state__in=(State.PENDING, State.RUNNING))
    return list(waiting.values_list("pk", flat=True))


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
    execution.steps.update(state=StepRun.State.SKIPPED)
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
    payload = {"execution": execution.pk, "remediation": remediation.pk, "state": "running"}
    text = f"Started: {remediation.title}"
    lifecycle.record(incident, "execution", text, actor="worker", payload=payload)
    say(execution, "Started.", kind=OutputLine.Kind.STATE)
    planning.announce(remediation)


def _watched_alerts(remediation: Remediation) -> list[int]:
    """The alerts whose end means that it worked: the targets' own, else all of the incident."""
    firing = Alert.objects.filter(incident=remediation.incident_id, status=Alert.Status.FIRING)
    own = firing.filter(service__slug__in=remediation.plan["targets"])
    return list((own if own.exists() else firing).values_list("pk", flat=True))
