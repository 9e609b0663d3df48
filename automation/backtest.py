"""What a policy would have done, had it been there and run by itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Prefetch, Subquery

from automation import guardrails
from automation.document_models import RunbookDocument
from automation.matching import Found, matching
from automation.models import Execution, HealingPolicy, RunbookVersion
from automation.origins import Values, values_from
from automation.plan import PlanRefused, VersionRef, render
from automation.planning import context_now
from automation.published import document_of
from automation.replay import Chance, Outcome, replay
from incidents.models import Alert, AlertLink, Incident
from telemetry.models import Service

Incidents = Mapping[int, Incident]


@dataclass(frozen=True)
class Backtest:
    """`outcomes` in order of time; `refusals` say by incident why there was no plan to run."""

    found: Found
    incidents: Incidents
    outcomes: list[Outcome]
    refusals: dict[int, str]


def backtest(policy: HealingPolicy, *, since: datetime, now: datetime) -> Backtest:
    """The policy need not be saved. Raises `ValidationError` when its runbook cannot be run."""
    version = policy.runbook.published
    if version is None:
        raise ValidationError(f"{policy.runbook} is not published.")
    document = document_of(version)
    limits = guardrails.as_limits(document.guardrails.model_dump() | policy.guardrails)
    found = matching(policy.matchers, since)
    incidents = Incident.objects.select_related("service").in_bulk(found.numbers)
    chances, refusals = _chances(policy, version, document, incidents, now)
    outcomes = replay(limits, document.risk, chances, _runs_of_others(policy, since))
    return Backtest(found, incidents, outcomes, refusals)


def _chances(
    policy: HealingPolicy,
    version: RunbookVersion,
    document: RunbookDocument,
    incidents: Incidents,
    now: datetime,
) -> tuple[list[Chance], dict[int, str]]:
    """Where a plan can be made today, of what the incident is today; else why not."""
    reference = VersionRef(version.pk, version.sha256)
    configured = context_now()
    chances, refusals = [], {}
    for incident, values in _with_values(document, incidents):
        context = replace(configured, values=values)
        try:
            plan = render(document, reference, policy.parameters, context)
        except PlanRefused as refused:
            refusals[incident.number] = str(refused)
            continue
        chances.append(
            Chance(incident.number, incident.opened_at, _end(incident, now), plan.targets)
        )
    return chances, refusals


def _end(incident: Incident, now: datetime) -> datetime:
    """Until when the policy would have looked again."""
    return now if incident.is_active else incident.resolved_at or incident.closed_at or now


def _with_values(
    document: RunbookDocument, incidents: Incidents
) -> Iterator[tuple[Incident, Values]]:
    origins = [parameter.origin or "" for parameter in document.parameters.values()]
    alerts = _first_alerts(incidents) if any(o.startswith("alert.") for o in origins) else {}
    needed = _needed(incidents) if "service.dependency_url" in origins else {}
    for number, incident in incidents.items():
        depends_on = needed.get(incident.service_id or 0)
        yield incident, values_from(incident, alert=alerts.get(number), needed=depends_on)


def _first_alerts(incidents: Incidents) -> dict[int, Alert]:
    links = AlertLink.objects.filter(incident=OuterRef("pk"))
    first = links.order_by("alert__first_received_at", "alert_id").values("alert_id")[:1]
    chosen = Incident.objects.filter(pk__in=incidents).values_list("number", Subquery(first))
    numbers = {number: alert_id for number, alert_id in chosen if alert_id}
    alerts = Alert.objects.in_bulk(numbers.values())
    return {number: alerts[alert_id] for number, alert_id in numbers.items()}


def _needed(incidents: Incidents) -> dict[int, Service]:
    """By service, what it depends on most of all that say where they are asked."""
    answering = Service.objects.exclude(health_url="").order_by("tier", "slug")
    touched = {incident.service_id for incident in incidents.values() if incident.service_id}
    services = Service.objects.filter(pk__in=touched)
    prefetched = services.prefetch_related(Prefetch("calls", answering))
    callees = {service.pk: list(service.calls.all()) for service in prefetched}
    return {pk: called[0] for pk, called in callees.items() if called}


def _runs_of_others(policy: HealingPolicy, since: datetime) -> Iterator[tuple[str, datetime]]:
    """Real starts of its runbook that would have counted: those it did not cause itself."""
    begun = Execution.objects.filter(
        remediation__runbook=policy.runbook, started_at__gt=since - guardrails.LONGEST_COOLDOWN
    )
    if policy.pk:
        begun = begun.exclude(remediation__policy=policy.pk)
    columns = ("remediation__plan__targets", "started_at")
    rows: Iterable[tuple[list[str], datetime]] = begun.values_list(*columns)
    for targets, at in rows:
        for target in targets:
            yield target, at
