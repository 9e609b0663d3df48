"""An incident and its analysis become proposed remediations: exact, explained, ready to approve."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from automation import targets
from automation.document_models import RunbookDocument
from automation.models import Connection, HealingPolicy, Remediation, Runbook, RunbookVersion
from automation.origins import values_of
from automation.plan import ConnectionRef, Context, Plan, PlanRefused, SecretRef, VersionRef, render
from automation.published import document_of
from automation.signals import remediation_changed
from incidents import lifecycle
from incidents.models import Alert, Incident, KnownFix

VALID_FOR = timedelta(minutes=15)
PROPOSALS = 3
RUN_AS = "console"
PRIOR_WEIGHT = 2.0
LABELS_AND_CLASS, LABELS_ONLY, CLASS_ONLY = 0.75, 0.6, 0.45


@dataclass(frozen=True)
class Candidate:
    """A runbook that fits, with how sure we are and the reasons in words."""

    runbook: Runbook
    confidence: float
    why: str


def propose(number: int) -> list[Remediation]:
    """Plans for the best fitting runbooks that have none under way for this incident.

    What a person rejected here is not proposed again; a person still may.
    """
    incident = Incident.objects.select_related("service").get(number=number)
    if not incident.is_active:
        return []
    rejected = incident.remediations.filter(status=Remediation.Status.REJECTED)
    declined = set(rejected.values_list("runbook_id", flat=True))
    fitting = [each for each in candidates(incident) if each.runbook.pk not in declined]
    proposals = []
    for candidate in fitting[:PROPOSALS]:
        try:
            proposals.append(draft(incident, candidate))
        except (PlanRefused, AlreadyPlanned):
            continue
    return proposals


class AlreadyPlanned(Exception):
    """This runbook has an unfinished plan for this incident."""


def candidates(incident: Incident) -> list[Candidate]:
    """Published runbooks that say they apply, best first.

    Confidence is the mean of a Beta distribution: how well the runbook fits counts as two past
    runs, each verified success or failure of it on the same kind of trouble as one.
    """
    alerts = list(incident.alerts.all())
    runbooks = Runbook.objects.filter(is_enabled=True, published__isnull=False)
    found = [_candidate(r, incident, alerts) for r in runbooks.select_related("published")]
    return sorted((c for c in found if c), key=lambda c: -c.confidence)


def draft(
    incident: Incident,
    candidate: Candidate,
    *,
    parameters: Mapping[str, Any] | None = None,
    by: User | None = None,
    policy: HealingPolicy | None = None,
) -> Remediation:
    """Raises `PlanRefused` when no exact plan can be made, `AlreadyPlanned` when there is one."""
    return submit(prepare(incident, candidate, parameters=parameters, by=by, policy=policy))


def prepare(
    incident: Incident,
    candidate: Candidate,
    *,
    parameters: Mapping[str, Any] | None = None,
    by: User | None = None,
    policy: HealingPolicy | None = None,
) -> Remediation:
    """The plan, not stored yet. It asks connections for its targets: call outside of locks."""
    version = candidate.runbook.published
    if version is None:
        raise PlanRefused({"runbook": f"{candidate.runbook} is not published."})
    now = timezone.now()
    remediation = Remediation(
        incident=incident,
        runbook=candidate.runbook,
        version=version,
        parameters=dict(parameters or {}),
        why=candidate.why,
        confidence=candidate.confidence,
        requested_by=by,
        policy=policy,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    _fill(remediation, plan_now(remediation))
    return remediation


def submit(remediation: Remediation) -> Remediation:
    """Stores what `prepare` made, and tells; raises `AlreadyPlanned`."""
    by = remediation.requested_by
    try:
        with transaction.atomic():
            incident = lifecycle.locked(remediation.incident_id)
            remediation.save(force_insert=True)
            lifecycle.record(
                incident,
                "remediation",
                f"Proposed: {remediation.title}",
                actor=by.username if by else "planning",
                payload={
                    "remediation": remediation.pk,
                    "status": "proposed",
                    "risk": remediation.risk,
                },
            )
            announce(remediation)
    except IntegrityError as error:
        raise AlreadyPlanned(f"{remediation.runbook} is already planned here.") from error
    return remediation


def plan_now(remediation: Remediation) -> Plan:
    """The plan as it would be made at this moment, from what is published and configured now."""
    version = Runbook.objects.select_related("published").get(pk=remediation.runbook_id).published
    if version is None:
        raise PlanRefused({"runbook": f"{remediation.runbook} is no longer published."})
    reference = VersionRef(version.pk, version.sha256)
    policy = remediation.policy
    context = context_now(
        values=values_of(remediation.incident),
        expires_at=remediation.expires_at,
        policy_version=f"{policy.name} v{policy.version}" if policy else None,
    )
    return render(_readable(version), reference, remediation.parameters, context)


def _readable(version: RunbookVersion) -> RunbookDocument:
    try:
        return document_of(version)
    except ValidationError as error:
        raise PlanRefused({"runbook": " ".join(error.messages)}) from error


def context_now(
    *,
    values: Mapping[str, str | int | bool] | None = None,
    expires_at: datetime | None = None,
    policy_version: str | None = None,
) -> Context:
    """What plans take from the console as it is configured at this moment."""
    connections = list(Connection.objects.all())
    return Context(
        run_as=RUN_AS,
        expires_at=expires_at or timezone.now() + VALID_FOR,
        values=values or {},
        connections={each.name: _connection_ref(each) for each in connections},
        defaults={each.executor: each.name for each in connections if each.is_default},
        policy_version=policy_version,
    )


def refresh(remediation: Remediation, plan: Plan) -> None:
    """Show the plan as it is now, so that a person can decide about that one."""
    _fill(remediation, plan)
    remediation.version_id = plan.version.id
    fields = ["plan", "plan_hash", "risk", "title", "version", "target_check"]
    remediation.save(update_fields=fields)
    announce(remediation)


def announce(remediation: Remediation) -> None:
    facts = {"remediation_id": remediation.pk, "number": remediation.incident_id}
    transaction.on_commit(partial(remediation_changed.send, sender=Remediation, **facts))


@transaction.atomic
def expire(at: datetime) -> int:
    """Plans nobody decided about in time; returns how many."""
    overdue = Remediation.objects.select_for_update().filter(
        status=Remediation.Status.PROPOSED, expires_at__lte=at
    )
    for remediation in overdue:
        remediation.status = Remediation.Status.EXPIRED
        remediation.status_reason = "Nobody decided in time."
        remediation.save(update_fields=["status", "status_reason"])
        announce(remediation)
    return len(overdue)


@transaction.atomic
def withdraw(number: int) -> None:
    """The incident is over: what still waits for a decision is no longer needed."""
    waiting = Remediation.objects.select_for_update().filter(
        incident_id=number, status=Remediation.Status.PROPOSED
    )
    for remediation in waiting:
        remediation.status = Remediation.Status.EXPIRED
        remediation.status_reason = "The incident was resolved before anybody decided."
        remediation.save(update_fields=["status", "status_reason"])
        announce(remediation)


def by_hand(runbook: Runbook, person: User) -> Candidate:
    return Candidate(runbook, 0.0, f"{person.username} chose it.")


def _candidate(runbook: Runbook, incident: Incident, alerts: list[Alert]) -> Candidate | None:
    if runbook.published is None:
        return None
    try:
        document = document_of(runbook.published)
    except ValidationError:
        return None  # written for another version of the console; its own page says what is wrong
    fits = _fit(document, incident, alerts)
    if fits is None:
        return None
    prior, why = fits
    worked, failed = _history(runbook, incident, alerts)
    confidence = (prior * PRIOR_WEIGHT + worked) / (PRIOR_WEIGHT + worked + failed)
    if worked or failed:
        why += f" It worked {worked} of {worked + failed} times on this kind of trouble."
    return Candidate(runbook, round(confidence, 2), why)


def _fit(
    document: RunbookDocument, incident: Incident, alerts: list[Alert]
) -> tuple[float, str] | None:
    wanted = document.applies_to
    named = (
        next((a for a in alerts if _has_labels(a, wanted.labels)), None) if wanted.labels else None
    )
    is_class = incident.classification in wanted.classification
    if named and is_class:
        words = f"It applies to {named.name} and to {_plain(incident.classification)} incidents."
        return LABELS_AND_CLASS, words
    if named:
        return LABELS_ONLY, f"It applies to the alert {named.name}."
    if is_class:
        return CLASS_ONLY, f"It applies to {_plain(incident.classification)} incidents."
    return None


def _has_labels(alert: Alert, labels: Mapping[str, str]) -> bool:
    known = {"alertname": alert.name, **alert.labels}
    return all(known.get(name) == value for name, value in labels.items())


def _history(runbook: Runbook, incident: Incident, alerts: list[Alert]) -> tuple[int, int]:
    names = {alert.name for alert in alerts}
    fixes = KnownFix.objects.filter(
        runbook=runbook.name, service=incident.service, alert_name__in=names
    )
    counts = [(fix.successes, fix.failures) for fix in fixes]
    return max((s for s, _ in counts), default=0), max((f for _, f in counts), default=0)


def _plain(classification: str) -> str:
    return classification.replace("_", " ")


def _fill(remediation: Remediation, plan: Plan) -> None:
    remediation.plan = plan.as_json()
    remediation.plan_hash = plan.plan_hash
    remediation.risk = plan.risk
    remediation.target_check = targets.target_check(plan)
    changing = [step.name for step in plan.steps if step.changes_target] or [plan.steps[0].name]
    remediation.title = ", then ".join(changing)[:300]


def _connection_ref(connection: Connection) -> ConnectionRef:
    secrets = (SecretRef(connection.name, connection.secret_version),) if connection.secret else ()
    return ConnectionRef(connection.name, connection.executor, connection.url, secrets)
