"""A healing policy looks at an analysed incident and observes, suggests or runs; and says why."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from automation import execution, guardrails, planning
from automation.models import HealingPolicy, PolicyDecision, Remediation
from automation.plan import PlanRefused
from automation.planning import AlreadyPlanned, Candidate
from incidents import lifecycle, matchers
from incidents.models import Incident

Mode = HealingPolicy.Mode
Outcome = PolicyDecision.Outcome
Status = Remediation.Status
# What was held back, and what the worker found no longer allowed when it came to running it.
UNSETTLED = Q(outcome=Outcome.HELD_BACK) | Q(remediation__status=Status.INVALIDATED)


def decide(number: int) -> None:
    """Every policy that matches this incident decides once; one that was held back looks again."""
    incident = Incident.objects.select_related("service").get(number=number)
    if not incident.is_active:
        return
    settled = incident.policy_decisions.exclude(UNSETTLED)
    undecided = HealingPolicy.objects.filter(is_enabled=True).exclude(
        pk__in=settled.values("policy")
    )
    for policy in undecided.select_related("runbook__published"):
        if matches(policy, incident):
            _decide_one(policy, incident)


def held_back() -> list[int]:
    """Active incidents for which a policy would like to run, but may not yet."""
    waiting = PolicyDecision.objects.filter(UNSETTLED, policy__mode=Mode.AUTO)
    active = waiting.filter(incident__status__in=Incident.ACTIVE, policy__is_enabled=True)
    return list(active.values_list("incident_id", flat=True).distinct())


def matches(policy: HealingPolicy, incident: Incident) -> bool:
    """Any alert, with the incident's own service and severity, fits all matchers."""
    wanted = matchers.parse_matchers(policy.matchers)
    own = own_labels(
        severity=incident.severity,
        classification=incident.classification,
        service=incident.service.slug if incident.service else None,
    )
    alerts = incident.alerts.values_list("name", "labels")
    return any(
        matchers.matches_all(wanted, labels | {"alertname": name} | own) for name, labels in alerts
    )


def own_labels(*, severity: str, classification: str, service: str | None) -> dict[str, str]:
    """What an incident says of itself, whatever its alerts say."""
    known = {"severity": severity, "classification": classification}
    return known | ({"service": service} if service else {})


def lower_after_failure(remediation: Remediation) -> None:
    """A failed verification takes the right to run by itself back."""
    policy = remediation.policy
    if policy is None or policy.mode != Mode.AUTO:
        return
    with transaction.atomic():
        policy.mode = Mode.SUGGEST
        policy.version += 1
        policy.save(update_fields=["mode", "version"])
        incident = lifecycle.locked(remediation.incident_id)
        text = f"Policy {policy.name} suggests from now on: its run did not help."
        lifecycle.record(incident, "policy", text, actor=policy.name, payload={"policy": policy.pk})


def _decide_one(policy: HealingPolicy, incident: Incident) -> None:
    if policy.mode == Mode.OBSERVE:
        reason = f"It matches; it would propose {policy.runbook}."
        _note(policy, incident, Outcome.OBSERVED, reason)
        return
    if incident.remediations.filter(runbook=policy.runbook, status=Status.REJECTED).exists():
        _note(policy, incident, Outcome.HELD_BACK, f"A person rejected {policy.runbook} here.")
        return
    try:
        remediation = _remediation(policy, incident)
    except (PlanRefused, AlreadyPlanned) as error:
        _note(policy, incident, Outcome.HELD_BACK, str(error))
        return
    if policy.mode == Mode.SUGGEST:
        _note(policy, incident, Outcome.SUGGESTED, "It waits for a person.", remediation)
        return
    _run_if_allowed(policy, remediation)


def _run_if_allowed(policy: HealingPolicy, remediation: Remediation) -> None:
    with transaction.atomic():
        incident = lifecycle.locked(remediation.incident_id)
        remediation = (
            Remediation.objects.select_for_update(of=("self",))
            .select_related("version", "policy", "runbook", "incident")
            .get(pk=remediation.pk)
        )
        if remediation.status != Status.PROPOSED or not incident.is_active:
            return
        checks = guardrails.check(remediation, timezone.now(), is_automatic=True)
        against = " ".join(check.reason for check in checks if not check.passed)
        if against:
            _note(policy, incident, Outcome.HELD_BACK, against, remediation)
            return
        _note(policy, incident, Outcome.RAN, "Every guardrail passed.", remediation)
        execution.start(remediation)
        planning.announce(remediation)


def _remediation(policy: HealingPolicy, incident: Incident) -> Remediation:
    """The plan it made before, one that planning proposed, or a new one; bound to the policy."""
    waiting = incident.remediations.filter(
        runbook=policy.runbook, status=Status.PROPOSED, expires_at__gt=timezone.now()
    )
    found = waiting.select_related("policy", "runbook", "incident").first()
    if found is not None and found.parameters == policy.parameters:
        if found.policy_id != policy.pk:
            found.policy = policy
            found.save(update_fields=["policy"])
            planning.refresh(found, planning.plan_now(found))
        return found
    candidate = Candidate(policy.runbook, 0.0, f"The policy {policy.name} chose it.")
    return planning.draft(incident, candidate, parameters=policy.parameters, policy=policy)


def _note(
    policy: HealingPolicy,
    incident: Incident,
    outcome: str,
    reason: str,
    remediation: Remediation | None = None,
) -> None:
    """Told on the incident too, but only when it is news. What is settled stays as it is."""
    with transaction.atomic():
        incident = lifecycle.locked(incident.number)
        before = incident.policy_decisions.filter(policy=policy).first()
        if before is not None and not incident.policy_decisions.filter(UNSETTLED, pk=before.pk):
            return
        PolicyDecision.objects.update_or_create(
            policy=policy,
            incident=incident,
            defaults={
                "outcome": outcome,
                "reason": reason,
                "remediation": remediation,
                "at": timezone.now(),
            },
        )
        if before is None or before.outcome != outcome:
            words = Outcome(outcome).label.lower()
            text = f"Policy {policy.name} {words}: {reason}"
            payload = {"policy": policy.pk, "outcome": outcome}
            lifecycle.record(incident, "policy", text, actor=policy.name, payload=payload)
