"""A remediation as a person decides on it: what its card shows, and why it says no."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from automation import approval, guardrails
from automation.document_models import RunbookDocument
from automation.limits import Check
from automation.models import Approval, Execution, Remediation
from automation.views.documents import readable
from automation.views.plan_words import StepWords, in_time, steps_in_words
from automation.views.run_parts import RunPart, part_of
from incidents.models import KnownFix

Status = Remediation.Status
State = Execution.State
RELATED = ("incident__service", "runbook", "version__author", "policy", "requested_by", "execution")
GUARDRAILS = {
    "paused": "Automation",
    "risk": "Risk",
    "window": "Change window",
    "max_targets": "Targets",
    "cooldown_seconds": "Cool-down",
    "max_per_hour": "Rate",
    "runbook": "Runbook",
    "target": "Target exists",
}
WORDS = {
    Status.APPROVED: "Approved, starting",
    Status.RUNNING: "Running",
    Status.SUCCEEDED: "Verified",
    Status.FAILED: "Failed",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.INVALIDATED: "Nothing was run",
    Status.ROLLED_BACK: "Rolled back",
}


@dataclass(frozen=True)
class Guardrail:
    name: str
    check: Check


@dataclass(frozen=True)
class Notice:
    """What came of the last button: told at the head of the card. `difference` is in words."""

    title: str
    text: str = ""
    difference: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    remediation: Remediation
    kicker_status: str
    kicker: str
    steps: list[StepWords]
    rollback: list[StepWords]
    verify: str
    guardrails: list[Guardrail]
    history: KnownFix | None
    approvals: list[Approval]
    approvals_needed: int
    against: str
    may_reject: bool
    may_break_glass: bool
    may_edit: bool
    may_propose: bool
    run: RunPart | None

    @property
    def is_waiting(self) -> bool:
        return self.remediation.status == Status.PROPOSED

    @property
    def is_grave(self) -> bool:
        return self.remediation.risk in approval.TWO_PEOPLE

    @property
    def short_hash(self) -> str:
        return self.remediation.plan_hash[:8]

    @property
    def confirm_target(self) -> str:
        """What has to be typed before a high or critical risk is approved."""
        return self.remediation.plan["targets"][0] if self.is_grave else ""

    @property
    def passed(self) -> int:
        return sum(guardrail.check.passed for guardrail in self.guardrails)

    @property
    def tries(self) -> int:
        return self.history.successes + self.history.failures if self.history else 0

    @property
    def digest(self) -> str:
        """Changes whenever the card would be drawn differently, timers and output apart."""
        run = self.run
        facts = [
            state_of(self.remediation),
            self.kicker,
            self.against,
            [(each.check.name, each.check.passed) for each in self.guardrails],
            self.remediation.target_check,
            [(each.by_id, each.plan_hash) for each in self.approvals],
            [(step.run.pk, step.run.state) for step in run.steps] if run else None,
            [alert.status for alert in run.watched] if run else None,
        ]
        return hashed(facts)

    @property
    def is_ours_alone(self) -> bool:
        """Nobody else has to agree before it runs."""
        return self.approvals_needed - len(self.approvals) <= 1


def card_of(remediation: Remediation, person: User, *, at: datetime | None = None) -> Card:
    """`remediation` with `RELATED` selected. Guardrails are judged at `at`, by default now."""
    now = at or timezone.now()
    document = readable(remediation.version)
    is_waiting = remediation.status == Status.PROPOSED
    checks = _checks(remediation, now) if is_waiting else []
    against = _against(remediation, person, checks, now) if is_waiting else ""
    given = _given(remediation)
    execution = execution_of(remediation)
    may_approve = person.has_perm("automation.approve_remediation")
    may_propose = person.has_perm("automation.add_remediation") and remediation.incident.is_active
    return Card(
        remediation=remediation,
        kicker_status=_kicker_status(remediation, execution),
        kicker=_kicker(remediation, execution, person, given),
        steps=steps_in_words(remediation.plan["steps"]),
        rollback=steps_in_words(remediation.plan["rollback"]),
        verify=_verify(document),
        guardrails=[Guardrail(GUARDRAILS.get(check.name, check.name), check) for check in checks],
        history=_history(remediation),
        approvals=given,
        approvals_needed=2 if remediation.risk in approval.TWO_PEOPLE else 1,
        against=against,
        may_reject=may_approve and is_waiting,
        may_break_glass=_may_break_glass(remediation, person, checks, now),
        may_edit=is_waiting and not given and may_propose and _may_replace(remediation, person),
        may_propose=may_propose,
        run=part_of(execution, person) if execution else None,
    )


def hashed(facts: Iterable[object]) -> str:
    return hashlib.sha256(repr(list(facts)).encode()).hexdigest()[:16]


def state_of(remediation: Remediation) -> tuple[object, ...]:
    execution = execution_of(remediation)
    run = (execution.state, execution.stop_requested) if execution else None
    return remediation.pk, remediation.status, remediation.plan_hash, run


def execution_of(remediation: Remediation) -> Execution | None:
    return getattr(remediation, "execution", None)


def _checks(remediation: Remediation, at: datetime) -> list[Check]:
    try:
        return guardrails.check(remediation, at)
    except ValidationError as error:
        return [Check("runbook", passed=False, reason="; ".join(error.messages))]


def _against(remediation: Remediation, person: User, checks: list[Check], at: datetime) -> str:
    if remediation.expires_at <= at:
        return "The plan has expired; propose it again."
    reasons = [check.reason for check in checks if not check.passed]
    return " ".join(filter(None, [approval.rule_against(remediation, person), *reasons]))


def _may_break_glass(
    remediation: Remediation, person: User, checks: list[Check], at: datetime
) -> bool:
    """Alone, with a reason: for what would need two people, never past a guardrail."""
    is_open = remediation.status == Status.PROPOSED and remediation.expires_at > at
    is_held = any(not check.passed for check in checks)
    is_grave = remediation.risk in approval.TWO_PEOPLE
    return is_open and is_grave and not is_held and person.has_perm("automation.break_glass")


def _may_replace(remediation: Remediation, person: User) -> bool:
    return not approval.rule_against_replacing(remediation, person)


def _given(remediation: Remediation) -> list[Approval]:
    decided = remediation.approvals.select_related("by")
    return list(decided.filter(decision="approved", plan_hash=remediation.plan_hash))


def _kicker_status(remediation: Remediation, execution: Execution | None) -> str:
    is_special = execution and execution.state in (State.VERIFYING, State.UNKNOWN, State.STOPPED)
    if execution and is_special and remediation.status != Status.INVALIDATED:
        return execution.state
    return remediation.status


def _kicker(
    remediation: Remediation,
    execution: Execution | None,
    person: User,
    given: list[Approval],
) -> str:
    if remediation.status == Status.PROPOSED:
        return _waits_for(remediation, person, given)
    if execution and remediation.status in (Status.RUNNING, Status.FAILED):
        return _how_it_goes(execution)
    if remediation.status == Status.REJECTED and (by := _who_rejected(remediation)):
        return f"Rejected by {by}"
    return WORDS[Status(remediation.status)]


def _who_rejected(remediation: Remediation) -> str:
    decision = remediation.approvals.select_related("by").filter(decision="rejected").first()
    return decision.by.get_full_name() or decision.by.username if decision else ""


def _waits_for(remediation: Remediation, person: User, given: list[Approval]) -> str:
    if any(each.by_id == person.pk for each in given):
        return "Needs a second person"
    if not person.has_perm("automation.approve_remediation"):
        return "Waiting for an approver"
    if approval.rule_against(remediation, person):
        return "Waiting for another person"
    return "Second approval needed" if given else "Waiting for your approval"


def _how_it_goes(execution: Execution) -> str:
    if execution.state == State.FAILED and execution.verify_until:
        return "No effect"
    return {
        State.RUNNING: "Rolling back" if execution.reason else "Running",
        State.VERIFYING: "Watching the signal",
        State.UNKNOWN: "Outcome unknown",
        State.STOPPED: "Stopped",
    }.get(State(execution.state), "Failed")


def _verify(document: RunbookDocument | None) -> str:
    if document is None or document.verify is None:
        return ""
    return f"Verify: the alert resolves within {in_time(document.verify.within_seconds)}"


def _history(remediation: Remediation) -> KnownFix | None:
    """How this runbook did on the same kind of trouble."""
    incident = remediation.incident
    names = set(incident.alerts.values_list("name", flat=True))
    services = [incident.service_id] if incident.service_id else []
    seen = KnownFix.objects.seen_with(alert_names=names, service_ids=services)
    return seen.filter(runbook=remediation.runbook.name).select_related("last_incident").first()
