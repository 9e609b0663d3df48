"""The guardrails of many waiting remediations at once, for lists."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from automation.guardrails import HOUR, limits_for
from automation.limits import Check, Situation, check_limits
from automation.models import Execution, Remediation

LONGEST_COOLDOWN = timedelta(days=1)
Run = tuple[str, datetime]


def checks_of(remediations: Iterable[Remediation], at: datetime) -> dict[int, list[Check]]:
    """By primary key, as `guardrails.check` would say for each when a person decides.

    Only those that wait for a decision have an outlook. One query; needs `version` and `policy`.
    """
    waiting = [each for each in remediations if each.status == Remediation.Status.PROPOSED]
    runs = _recent_runs({each.runbook_id for each in waiting}, at) if waiting else {}
    return {each.pk: _checks(each, runs.get(each.runbook_id, []), at) for each in waiting}


def _checks(remediation: Remediation, runs: list[Run], at: datetime) -> list[Check]:
    latest: dict[str, datetime] = {}
    for target, begun in runs:
        latest[target] = max(begun, latest.get(target, begun))
    situation = Situation(
        at=at,
        targets=remediation.plan["targets"],
        risk=remediation.risk,
        runs_last_hour=Counter(target for target, begun in runs if begun > at - HOUR),
        last_run_at=latest,
    )
    return check_limits(limits_for(remediation, remediation.policy), situation)


def _recent_runs(runbooks: set[int], at: datetime) -> dict[int, list[Run]]:
    """Target and start of every run, by runbook."""
    started = Execution.objects.filter(
        remediation__runbook__in=runbooks, started_at__gt=at - LONGEST_COOLDOWN
    )
    columns = ("remediation__runbook_id", "remediation__plan__targets", "started_at")
    runs: dict[int, list[Run]] = {}
    for runbook, targets, begun in started.values_list(*columns):
        runs.setdefault(runbook, []).extend((target, begun) for target in targets)
    return runs
