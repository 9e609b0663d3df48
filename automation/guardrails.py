"""May these plans run now, and why not: what the database and the clock say, judged by `limits`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from automation.document_models import Guardrails
from automation.limits import Check, Limits, Situation, Window, check_limits
from automation.models import AutomationSwitch, Execution, HealingPolicy, Remediation
from automation.published import document_of

HOUR = timedelta(hours=1)
LONGEST_COOLDOWN = timedelta(days=1)
Run = tuple[str, datetime]


def check(remediation: Remediation, at: datetime, *, is_automatic: bool = False) -> list[Check]:
    """Every guardrail of the plan, passed or not.

    An automatic run is stopped by a pause; a person's decision is not.
    """
    return _checks(remediation, _recent_runs([remediation], at), at, is_automatic=is_automatic)


def check_waiting(remediations: Iterable[Remediation], at: datetime) -> dict[int, list[Check]]:
    """For a list, by primary key: what `check` says of each that waits for a person; one query."""
    waiting = [each for each in remediations if each.status == Remediation.Status.PROPOSED]
    runs = _recent_runs(waiting, at) if waiting else {}
    return {each.pk: _checks(each, runs, at, is_automatic=False) for each in waiting}


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


def _checks(
    remediation: Remediation, runs: Mapping[int, list[Run]], at: datetime, *, is_automatic: bool
) -> list[Check]:
    own = sorted(runs.get(remediation.runbook_id, []), key=lambda run: run[1])
    situation = Situation(
        at=at,
        targets=remediation.plan["targets"],
        risk=remediation.risk,
        runs_last_hour=Counter(target for target, begun in own if begun > at - HOUR),
        last_run_at=dict(own),
        pause_reason=pause_reason() if is_automatic else None,
        is_automatic=is_automatic,
    )
    checks = check_limits(limits_for(remediation, remediation.policy), situation)
    asked = remediation.target_check
    return [*checks, Check(**asked)] if asked else checks


def _recent_runs(remediations: list[Remediation], at: datetime) -> dict[int, list[Run]]:
    """Target and start of every run, by runbook."""
    started = Execution.objects.filter(
        remediation__runbook__in={each.runbook_id for each in remediations},
        started_at__gt=at - LONGEST_COOLDOWN,
    )
    columns = ("remediation__runbook_id", "remediation__plan__targets", "started_at")
    runs: dict[int, list[Run]] = defaultdict(list)
    for runbook, targets, begun in started.values_list(*columns):
        runs[runbook] += [(target, begun) for target in targets]
    return runs
