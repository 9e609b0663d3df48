"""A person gives up on a run whose outcome nobody knows: it ends as every other run ends."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from automation import approval, claiming, execution, intervention, running, signals
from automation.models import Execution, Remediation
from incidents.models import TimelineEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown(proposal: Any, person: Any) -> Execution:
    """The worker was lost during the first of two steps."""
    remediation = proposal(paths=("one", "two"))
    ada = person("ada", "approver")
    approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=ada)
    run = Execution.objects.get(remediation=remediation)
    execution.begin_step(claiming.claim(run.pk), run.steps.first())
    Execution.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    running.run(run.pk)
    run.refresh_from_db()
    assert run.state == "unknown"
    return run


@pytest.fixture
def finished() -> Any:
    """The executions that were said to have finished."""
    told: list[int] = []

    def hear(execution_id: int, **_: Any) -> None:
        told.append(execution_id)

    signals.execution_finished.connect(hear)
    yield told
    signals.execution_finished.disconnect(hear)


def give_up(run: Execution) -> None:
    step = run.steps.get(state="unknown")
    intervention.settle_unknown(step.pk, verdict="give_up", by="ada")


def test_the_incident_is_told_who_gave_up_and_on_what(unknown: Execution):
    give_up(unknown)

    entry = TimelineEntry.objects.filter(kind="execution").latest("seq")
    assert "ada gave up on" in entry.text
    assert entry.payload["state"] == "failed"
    assert entry.payload["execution"] == unknown.pk


def test_the_end_is_said_to_whoever_listens(
    unknown: Execution, finished: Any, django_capture_on_commit_callbacks: Any
):
    with django_capture_on_commit_callbacks(execute=True):
        give_up(unknown)

    assert finished == [unknown.pk]


def test_the_run_and_its_plan_have_failed_with_the_reason(unknown: Execution):
    give_up(unknown)

    unknown.refresh_from_db()
    remediation = Remediation.objects.get()
    assert (unknown.state, remediation.status) == ("failed", "failed")
    assert unknown.finished_at is not None
    assert unknown.reason == remediation.status_reason
    assert [step.state for step in unknown.steps.all()] == ["failed", "skipped"]


def test_nobody_takes_the_run_up_again(unknown: Execution):
    give_up(unknown)

    assert claiming.overdue(timezone.now()) == []
    assert claiming.claim(unknown.pk) is None
