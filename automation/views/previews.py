"""The exact plan a runbook would give, without making one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from automation import planning
from automation.models import Remediation, Runbook, RunbookVersion
from automation.plan import Plan, PlanRefused
from automation.preview import preview
from automation.published import document_of
from automation.views.plan_words import StepWords, in_time, steps_in_words
from incidents.models import Incident


@dataclass(frozen=True)
class Preview:
    """`problems` say why no plan can be made, by parameter or step; then there are no steps."""

    risk: str
    targets: list[str]
    steps: list[StepWords]
    rollback: list[StepWords]
    verify: str
    problems: list[tuple[str, str]]


def for_incident(
    runbook: Runbook, incident: Incident, parameters: Mapping[str, Any], person: User
) -> Preview:
    """As `planning.draft` would propose it now."""
    if runbook.published is None:
        return _refused(PlanRefused({"runbook": "it is not published"}))
    unsaved = Remediation(
        incident=incident,
        runbook=runbook,
        version=runbook.published,
        parameters=dict(parameters),
        requested_by=person,
        expires_at=timezone.now() + planning.VALID_FOR,
    )
    try:
        return _shown(planning.plan_now(unsaved), runbook.published)
    except PlanRefused as refused:
        return _refused(refused)


def of_version(version: RunbookVersion, parameters: Mapping[str, Any]) -> Preview:
    """Of any version, a draft too, with the given parameters only: no incident is known."""
    try:
        return _shown(preview(version, parameters), version)
    except PlanRefused as refused:
        return _refused(refused)


def _shown(plan: Plan, version: RunbookVersion) -> Preview:
    stored = plan.as_json()
    verify = document_of(version).verify
    return Preview(
        risk=plan.risk,
        targets=list(plan.targets),
        steps=steps_in_words(stored["steps"]),
        rollback=steps_in_words(stored["rollback"]),
        verify=f"the alert resolves within {in_time(verify.within_seconds)}" if verify else "",
        problems=[],
    )


def _refused(refused: PlanRefused) -> Preview:
    return Preview("", [], [], [], "", sorted(refused.problems.items()))
