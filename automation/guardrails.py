"""May this plan run now, and why not: what the database and the clock say, judged by `limits`."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from automation.document_models import Guardrails
from automation.limits import Check, Limits, Situation, Window, check_limits
from automation.models import AutomationSwitch, Execution, HealingPolicy, Remediation
from automation.published import document_of

HOUR = timedelta(hours=1)


def check(remediation: Remediation, at: datetime, *, is_automatic: bool = False) -> list[Check]:
    """Every guardrail of the plan, passed or not.

    An automatic run is stopped by a pause; a person's decision is not.
    """
    runs = _recent_runs(remediation, at)
    situation = Situation(
        at=at,
        targets=remediation.plan["targets"],
        risk=remediation.risk,
        runs_last_hour=_count(runs, since=at - HOUR),
        last_run_at=_latest(runs),
        pause_reason=pause_reason() if is_automatic else None,
        is_automatic=is_automatic,
    )
    return check_limits(limits_for(remediation, remediation.policy), situation)


def limits_for(remediation: Remediation, policy: HealingPolicy | None) -> Limits:
    """The runbook's guardrails; where the policy states its own, they replace the runbook's."""
    stated = document_of(remediation.version).guardrails.model_dump()
    return as_limits(stated | (policy.guardrails if policy else {}))


def as_limits(stated: Mapping[str, Any]) -> Limits:
    guardrails = Guardrails.model_validate(stated)
    return Limits(
        max_per_hour=guardrails.max_per_hour,
        cooldown_seconds=guardrails.cooldown_seconds,
        max_targets=guardrails.max_targets,
        window=Window.parse(guardrails.window),
    )


def pause_reason() -> str | None:
    """None while automation may act."""
    switch = AutomationSwitch.objects.filter(is_paused=True).first()
    return switch.reason if switch else None


def _recent_runs(remediation: Remediation, at: datetime) -> list[tuple[str, datetime]]:
    """Target and start of every run of this runbook within a day: cooldowns are never longer."""
    started = Execution.objects.filter(
        remediation__runbook_id=remediation.runbook_id, started_at__gt=at - timedelta(days=1)
    ).exclude(remediation=remediation.pk)
    rows = started.values_list("remediation__plan__targets", "started_at")
    return [(target, begun) for targets, begun in rows for target in targets if begun]


def _count(runs: Iterable[tuple[str, datetime]], *, since: datetime) -> dict[str, int]:
    counts: dict[str, int] = {}
    for target, begun in runs:
        if begun > since:
            counts[target] = counts.get(target, 0) + 1
    return counts


def _latest(runs: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    for target, begun in runs:
        latest[target] = max(begun, latest.get(target, begun))
    return latest
