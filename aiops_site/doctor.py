"""What must always be true of the database, after any crash, retry and order of delivery.

Each check is one statement, so that it sees one moment of a console that goes on working.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from automation.approval import approvals_missing
from automation.models import Approval, Execution, Remediation
from incidents.models import Alert, AlertLink, AnalysisStep, Incident, Message, TimelineEntry

INBOX_BOUND = timedelta(minutes=5)
LEASE_GRACE = timedelta(minutes=2)
RESOLVING_GRACE = timedelta(minutes=5)
SHOWN = 20
Findings = Iterator[str]


@dataclass(frozen=True)
class Verdict:
    """One invariant and where it does not hold, the first `SHOWN` places of it."""

    invariant: str
    findings: list[str]

    @property
    def holds(self) -> bool:
        return not self.findings


def examine() -> list[Verdict]:
    return [Verdict(says, _first(check())) for says, check in INVARIANTS.items()]


def _first(findings: Findings) -> list[str]:
    return [finding for _, finding in zip(range(SHOWN), findings, strict=False)]


def messages_without_a_state() -> Findings:
    for message in Message.objects.exclude(state__in=Message.State.values)[:SHOWN]:
        yield f"Message {message.pk} is {message.state!r}."


def messages_forgotten() -> Findings:
    since = timezone.now() - INBOX_BOUND
    old = Message.objects.filter(state=Message.State.PENDING, received_at__lt=since)
    for message in old.defer("body")[:SHOWN]:
        yield f"Message {message.pk} has waited since {message.received_at:%Y-%m-%d %H:%M:%S}."


def dead_letters_without_a_reason() -> Findings:
    for message in Message.objects.dead().filter(reason="").defer("body")[:SHOWN]:
        yield f"Message {message.pk} was set aside without a reason."


def firing_alerts_without_an_incident() -> Findings:
    for alert in Alert.objects.filter(status=Alert.Status.FIRING, incident=None)[:SHOWN]:
        yield f"Alert {alert.pk} ({alert.name}) fires and belongs to no incident."


def incidents_left_open() -> Findings:
    """Those that a person opened again are that person's to resolve."""
    reopened = TimelineEntry.objects.filter(
        incident=OuterRef("pk"), kind="status", payload__to=Incident.Status.OPEN
    )
    left = Incident.objects.active().filter(
        ~Exists(reopened),
        alert_count__gt=0,
        firing_count=0,
        last_activity_at__lt=timezone.now() - RESOLVING_GRACE,
    )
    for incident in left[:SHOWN]:
        yield f"{incident} is {incident.status} although every alert has resolved."


def counts_that_are_wrong() -> Findings:
    links = AlertLink.objects.filter(incident=OuterRef("pk"))
    firing = Alert.objects.filter(incident=OuterRef("pk"), status=Alert.Status.FIRING)
    counted = Incident.objects.annotate(linked=_count_of(links), firing=_count_of(firing))
    wrong = counted.exclude(alert_count=F("linked"), firing_count=F("firing"))
    shown = wrong.values_list("number", "alert_count", "firing_count", "linked", "firing")
    for number, alerts, firing_alerts, linked, really_firing in shown[:SHOWN]:
        yield (
            f"INC-{number} shows {alerts} alerts, {firing_alerts} firing; "
            f"there are {linked}, {really_firing} firing."
        )


def timelines_with_gaps() -> Findings:
    told = Incident.objects.annotate(entries=Count("timeline"), newest=Max("timeline__seq"))
    whole = Q(entries=F("last_seq")) & (Q(newest=F("last_seq")) | Q(last_seq=0))
    broken = told.exclude(whole).values_list("number", "entries", "newest", "last_seq")
    for number, entries, newest, said in broken[:SHOWN]:
        yield f"INC-{number} has {entries} entries, the newest {newest}, and says {said}."


def analysis_nobody_works_on() -> Findings:
    since = timezone.now() - LEASE_GRACE
    stuck = AnalysisStep.objects.filter(
        state__in=(AnalysisStep.State.PENDING, AnalysisStep.State.RUNNING), lease_until__lt=since
    )
    for step in stuck[:SHOWN]:
        yield f"Step {step} is {step.state} and nobody works on it."


def executions_nobody_holds() -> Findings:
    since = timezone.now() - LEASE_GRACE
    running = (Execution.State.PENDING, Execution.State.RUNNING)
    for execution in Execution.objects.filter(state__in=running, lease_until__lt=since)[:SHOWN]:
        yield f"{execution} is {execution.state} under a lease that ended long ago."


def executions_without_a_decision() -> Findings:
    decided_by_policy = Q(policy__isnull=False, policy_decisions__outcome="ran")
    ran = Remediation.objects.filter(execution__isnull=False)
    ran = ran.exclude(status=Remediation.Status.INVALIDATED)  # stopped before anything was run
    for remediation in ran.exclude(decided_by_policy):
        if approvals_missing(remediation):
            yield f"Remediation {remediation.pk} ran without the approvals it needs."


def executions_of_another_plan() -> Findings:
    approved = Approval.objects.filter(
        decision=Approval.Decision.APPROVED, remediation__execution__isnull=False
    )
    for approval in approved.exclude(plan_hash=F("remediation__plan_hash"))[:SHOWN]:
        yield f"Remediation {approval.remediation_id} ran a plan that {approval.by} did not see."


def _count_of(rows: QuerySet[Any]) -> Coalesce:
    per_incident = rows.order_by().values("incident").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(per_incident, output_field=IntegerField()), 0)


INVARIANTS: dict[str, Callable[[], Findings]] = {
    "Every accepted message is pending, processed or dead": messages_without_a_state,
    "No message waits longer than five minutes": messages_forgotten,
    "Every dead letter says why": dead_letters_without_a_reason,
    "Every firing alert has an incident": firing_alerts_without_an_incident,
    "No incident stays open with all its alerts resolved": incidents_left_open,
    "Counts shown equal counts queried": counts_that_are_wrong,
    "Every timeline is without gaps": timelines_with_gaps,
    "No analysis step has a dead lease": analysis_nobody_works_on,
    "No running execution has a dead lease": executions_nobody_holds,
    "Every execution has its approvals, or a policy's decision": executions_without_a_decision,
    "Every executed plan is the approved one": executions_of_another_plan,
}
