"""A person's yes is bound to the exact plan: what changed since it was shown does not run."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from automation import execution, guardrails, planning
from automation.limits import Check
from automation.models import Approval, Remediation
from automation.plan import PlanRefused
from automation.plan_difference import Change, difference
from incidents import lifecycle

Status = Remediation.Status
TWO_PEOPLE = (Remediation.Risk.HIGH, Remediation.Risk.CRITICAL)
APPROVING = "automation.approve_remediation"
REPLACED = "Replaced by a plan with other parameters."


class MayNot(Exception):
    """The rule that forbids this decision to this person."""


class HeldBack(Exception):
    """A guardrail, or the state of the remediation, stands against running now."""


class PlanChanged(Exception):
    """The plan is no longer the one that was shown; `difference` is in words."""

    def __init__(self, changes: Sequence[Change], plan_hash: str) -> None:
        super().__init__("The plan changed since you opened it. Nothing was run.")
        self.difference = [change.in_words() for change in changes]
        self.plan_hash = plan_hash


def approve(
    remediation_id: int, *, plan_hash: str, by: User, reason: str = "", is_break_glass: bool = False
) -> Remediation:
    """One yes. When no further one is needed the plan is approved and has one execution.

    Raises `MayNot`, `PlanChanged`, or `HeldBack`; in all three nothing is run.
    """
    remediation = _load(remediation_id)
    _demand_entitled(remediation, by, reason, is_break_glass=is_break_glass)
    _demand_unchanged(remediation, plan_hash)
    with transaction.atomic():
        incident = lifecycle.locked(remediation.incident_id)
        remediation = Remediation.objects.select_for_update(of=("self",)).get(pk=remediation_id)
        _demand_decidable(remediation, plan_hash)
        _demand_allowed(guardrails.check(remediation, timezone.now()))
        _note(remediation, by, Approval.Decision.APPROVED, reason, is_break_glass=is_break_glass)
        missing = approvals_missing(remediation)
        text = f"Approved: {remediation.title}" + (f" ({missing} more needed)" if missing else "")
        lifecycle.record(incident, "approval", text, actor=by.username, payload=_fact(remediation))
        if not missing:
            execution.start(remediation)
        planning.announce(remediation)
    return remediation


def reject(remediation_id: int, *, plan_hash: str, by: User, reason: str) -> Remediation:
    with transaction.atomic():
        remediation = _locked(remediation_id)
        if not by.has_perm(APPROVING):
            raise MayNot("Rejecting needs the role approver.")
        _demand_decidable(remediation, plan_hash)
        if not reason.strip():
            raise MayNot("A rejection needs a reason; the next person will read it.")
        _note(remediation, by, Approval.Decision.REJECTED, reason)
        _end(remediation, Status.REJECTED, reason, told=f"Rejected: {remediation.title}", by=by)
    return remediation


def withdraw(remediation_id: int, *, plan_hash: str, by: User, reason: str) -> Remediation:
    """Who proposed it takes it back before anybody decided; that is nobody's decision about it.

    What the console proposed by itself belongs to whoever works on the incident.
    """
    with transaction.atomic():
        remediation = _locked(remediation_id)
        if not _may_withdraw(remediation, by):
            raise MayNot("Only who proposed a plan may withdraw it.")
        _demand_decidable(remediation, plan_hash)
        if remediation.approvals.exists():
            raise HeldBack("Somebody has approved it already.")
        _end(remediation, Status.EXPIRED, reason, told=f"Withdrawn: {remediation.title}", by=by)
    return remediation


def replace(remediation_id: int, *, plan_hash: str, by: User) -> Remediation:
    """Makes way for a plan with other parameters: one's own is withdrawn, another's rejected."""
    end = withdraw if _may_withdraw(_load(remediation_id), by) else reject
    return end(remediation_id, plan_hash=plan_hash, by=by, reason=REPLACED)


def rule_against_replacing(remediation: Remediation, by: User) -> str:
    """Why this person may not replace it; empty when they may."""
    if _may_withdraw(remediation, by) or by.has_perm(APPROVING):
        return ""
    return "Only who proposed a plan, or an approver, may replace it."


def _may_withdraw(remediation: Remediation, by: User) -> bool:
    return remediation.requested_by_id in (None, by.pk)


def approvals_missing(remediation: Remediation) -> int:
    """How many more people have to say yes."""
    given = remediation.approvals.filter(
        decision=Approval.Decision.APPROVED, plan_hash=remediation.plan_hash
    )
    if given.filter(is_break_glass=True).exists():
        return 0
    needed = 2 if remediation.risk in TWO_PEOPLE else 1
    return max(0, needed - given.count())


def rule_against(remediation: Remediation, by: User) -> str:
    """Why this person may not approve it; empty when they may."""
    if not by.has_perm(APPROVING):
        return "Approving needs the role approver."
    if remediation.risk in TWO_PEOPLE:
        if remediation.requested_by_id == by.pk:
            return f"You proposed it; {remediation.risk} risk needs somebody else."
        if remediation.version.author_id == by.pk:
            return f"You wrote this version; {remediation.risk} risk needs somebody else."
    if remediation.approvals.filter(by=by, plan_hash=remediation.plan_hash).exists():
        return "You have decided already; it waits for somebody else."
    return ""


def _load(remediation_id: int) -> Remediation:
    related = ("incident", "runbook", "version", "policy")
    return Remediation.objects.select_related(*related).get(pk=remediation_id)


def _locked(remediation_id: int) -> Remediation:
    """Its incident's row is locked first, as everywhere."""
    lifecycle.locked(_load(remediation_id).incident_id)
    return Remediation.objects.select_for_update(of=("self",)).get(pk=remediation_id)


def _demand_entitled(
    remediation: Remediation, by: User, reason: str, *, is_break_glass: bool
) -> None:
    if is_break_glass:
        if not by.has_perm("automation.break_glass") or not reason.strip():
            raise MayNot("Breaking the glass needs the role admin and a reason.")
        return
    if rule := rule_against(remediation, by):
        raise MayNot(rule)
    if remediation.risk in TWO_PEOPLE and not reason.strip():
        raise MayNot(f"A {remediation.risk} risk needs a reason.")


def _demand_unchanged(remediation: Remediation, plan_hash: str) -> None:
    """Compares with the plan as it would be made now; a changed one is stored, to be shown anew."""
    if remediation.status != Status.PROPOSED:
        return
    try:
        plan = planning.plan_now(remediation)
    except PlanRefused as refused:
        raise HeldBack(f"The plan can no longer be made: {refused}") from refused
    changes = difference(remediation.plan, plan.as_json())
    if plan.plan_hash != remediation.plan_hash:
        planning.refresh(remediation, plan)
        raise PlanChanged(changes, plan.plan_hash)
    if plan_hash != remediation.plan_hash:
        raise PlanChanged([], remediation.plan_hash)


def _demand_decidable(remediation: Remediation, plan_hash: str) -> None:
    if remediation.status != Status.PROPOSED:
        raise HeldBack(f"It is {remediation.get_status_display()} already.")
    if remediation.expires_at <= timezone.now():
        raise HeldBack("The plan has expired; propose it again.")
    if remediation.plan_hash != plan_hash:
        raise PlanChanged([], remediation.plan_hash)


def _demand_allowed(checks: list[Check]) -> None:
    against = [check.reason for check in checks if not check.passed]
    if against:
        raise HeldBack(" ".join(against))


def _note(
    remediation: Remediation,
    by: User,
    decision: Approval.Decision,
    reason: str,
    *,
    is_break_glass: bool = False,
) -> None:
    Approval.objects.update_or_create(
        remediation=remediation,
        by=by,
        defaults={
            "decision": decision,
            "plan_hash": remediation.plan_hash,
            "reason": reason,
            "is_break_glass": is_break_glass,
            "at": timezone.now(),
        },
    )


def _end(remediation: Remediation, status: Status, reason: str, *, told: str, by: User) -> None:
    remediation.status, remediation.status_reason = status, reason
    remediation.decided_at = timezone.now()
    remediation.save(update_fields=["status", "status_reason", "decided_at"])
    incident, fact = remediation.incident, _fact(remediation)
    lifecycle.record(incident, "approval", f"{told}: {reason}", actor=by.username, payload=fact)
    planning.announce(remediation)


def _fact(remediation: Remediation) -> dict[str, object]:
    return {
        "remediation": remediation.pk,
        "status": remediation.status,
        "plan_hash": remediation.plan_hash,
    }
