"""A page of incidents as the list shows them, in as many queries for fifty rows as for one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from incidents.analysis.finding import confidence_words
from incidents.models import AnalysisStep, Incident
from incidents.views.sparkline import Sparkline, sparklines_of
from incidents.views.stepper import seconds_until
from telemetry.models import Service

State = AnalysisStep.State
UNFINISHED = (State.PENDING, State.RUNNING)
MOST_SERVICES = 3


@dataclass(frozen=True, slots=True)
class NextStep:
    """What comes next for an incident; `anchor` is where on its page."""

    text: str
    icon: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    incident: Incident
    services: list[str]
    more_services: int
    sparkline: Sparkline
    next_step: NextStep | None
    analysing: str
    is_snoozed: bool

    @property
    def owner(self) -> str:
        person = self.incident.assignee
        return (person.get_full_name() or person.username) if person else ""

    @property
    def sureness(self) -> str:
        sure = self.incident.cause_confidence
        return confidence_words(sure) if self.incident.cause and sure is not None else ""

    @property
    def acknowledged_seconds(self) -> float | None:
        return seconds_until(self.incident.opened_at, self.incident.acknowledged_at)

    @property
    def lasted_seconds(self) -> float | None:
        return seconds_until(self.incident.opened_at, self.incident.resolved_at)


def with_people(incidents: QuerySet[Incident]) -> QuerySet[Incident]:
    return incidents.select_related("service", "assignee")


def rows_of(incidents: Sequence[Incident], at: datetime) -> list[Row]:
    numbers = [incident.number for incident in incidents]
    services, sparklines = _services(numbers), sparklines_of(incidents, at)
    plans, steps = _plans(numbers, at), _steps(numbers)
    return [
        Row(
            incident=incident,
            services=(slugs := _own_first(incident, services[incident.number]))[:MOST_SERVICES],
            more_services=max(0, len(slugs) - MOST_SERVICES),
            sparkline=sparklines[incident.number],
            next_step=_next_step(plans[incident.number], steps[incident.number], incident),
            analysing=_analysing(steps[incident.number]),
            is_snoozed=incident.snoozed_until is not None and incident.snoozed_until > at,
        )
        for incident in incidents
    ]


def _services(numbers: list[int]) -> dict[int, list[str]]:
    touched = Service.objects.filter(touching_incidents__in=numbers)
    found: dict[int, list[str]] = defaultdict(list)
    for number, slug in touched.values_list("touching_incidents", "slug").order_by("tier", "slug"):
        found[number].append(slug)
    return found


def _own_first(incident: Incident, slugs: list[str]) -> list[str]:
    own = [incident.service.slug] if incident.service else []
    return list(dict.fromkeys([*own, *slugs]))


def _plans(numbers: list[int], at: datetime) -> dict[int, set[str]]:
    """The states of the plans that are not done; the app above keeps them, asked for by name."""
    planned = Incident.objects.filter(number__in=numbers, remediations__isnull=False)
    rows = planned.values_list("number", "remediations__status", "remediations__expires_at")
    found: dict[int, set[str]] = defaultdict(set)
    for number, status, expires_at in rows.order_by():
        if status != "proposed" or expires_at > at:
            found[number].add(status)
    return found


def _steps(numbers: list[int]) -> dict[int, list[dict[str, Any]]]:
    rows = AnalysisStep.objects.filter(incident__in=numbers).order_by("incident", "position")
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for number, *step in rows.values_list("incident_id", "name", "state", "confidence"):
        found[number].append(dict(zip(("name", "state", "confidence"), step, strict=True)))
    return found


def _next_step(plans: set[str], steps: list[dict[str, Any]], incident: Incident) -> NextStep | None:
    if "running" in plans or "approved" in plans:
        return NextStep("Fix is running", "play", "remediation")
    if not incident.is_active:
        return None
    if "proposed" in plans:
        return NextStep("Approve plan", "inbox", "remediation")
    if "succeeded" in plans:
        return NextStep("Fix has run", "monitoring")
    is_fitting = any(s["name"] == "recommendation" and s["confidence"] for s in steps)
    return NextStep("Runbook fits", "book") if is_fitting else None


def _analysing(steps: list[dict[str, Any]]) -> str:
    left = sum(step["state"] in UNFINISHED for step in steps)
    return f"Analysing, step {len(steps) - left + 1} of {len(steps)}" if left else ""
