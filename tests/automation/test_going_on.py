"""Where a run goes on after its worker was lost, after a person looked, and on its way back."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from automation import approval, claiming, execution, intervention, running, verification
from automation.models import Execution, StepRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(proposal: Any, person: Any) -> Any:
    def make(**options: Any) -> Execution:
        remediation = proposal(**options)
        ada = person(f"ada-{remediation.pk}", "approver")
        approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=ada)
        return Execution.objects.get(remediation=remediation)

    return make


def lose(run: Execution, step: StepRun, ending: str = "") -> None:
    """The worker dies after it began the step, or after it wrote down how the step ended."""
    claimed = claiming.claim(run.pk)
    execution.begin_step(claimed, step)
    if ending:
        execution.end_step(claimed, step, ending, "No answer.")
    Execution.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def states(run: Execution) -> list[str]:
    run.refresh_from_db()
    return [run.state, *run.steps.values_list("state", flat=True)]


@pytest.mark.parametrize("ending", ["failed", "unknown"])
def test_an_ending_that_a_lost_worker_wrote_down_is_acted_on_and_not_tried_again(
    approved: Any, world: Any, ending: str
):
    run = approved(paths=("one", "two"))
    lose(run, run.steps.first(), ending)

    running.run(run.pk)

    assert states(run) == [ending, ending, "skipped"]
    assert world.seen == []


def test_a_last_step_that_a_person_found_done_is_verified(approved: Any, world: Any):
    run = approved()
    lose(run, run.steps.get())
    running.run(run.pk)

    intervention.settle_unknown(run.steps.get().pk, verdict="done", by="ada")
    running.run(run.pk)

    assert states(run) == ["verifying", "succeeded"]
    assert world.seen == []


def test_a_step_that_fails_goes_back_without_doing_what_came_after_it(approved: Any, world: Any):
    world.statuses["/one"] = 409
    run = approved(paths=("one", "two"), rollback=("back",))

    running.run(run.pk)
    running.run(run.pk)

    assert world.paths() == ["/one", "/back"]
    assert states(run) == ["rolled_back", "failed", "skipped", "succeeded"]


def test_a_way_back_that_a_person_settled_goes_on_back(approved: Any, world: Any):
    world.statuses["/one"] = 409
    run = approved(paths=("one", "two"), rollback=("back", "further"))
    running.run(run.pk)
    back = run.steps.get(title="POST /back")
    lose(run, back)
    running.run(run.pk)

    intervention.settle_unknown(back.pk, verdict="done", by="ada")
    running.run(run.pk)

    assert world.paths() == ["/one", "/further"]
    assert states(run)[0] == "rolled_back"


def test_an_idempotent_step_that_costs_worker_after_worker_is_left_to_a_person(
    approved: Any, world: Any
):
    run = approved(method="PUT")
    for _ in range(5):
        lose(run, run.steps.get())

    running.run(run.pk)

    assert states(run) == ["unknown", "unknown"]
    assert world.seen == []


def test_a_lost_run_that_was_to_stop_shows_the_step_that_may_have_happened(
    approved: Any, world: Any
):
    run = approved(method="PUT")
    lose(run, run.steps.get())
    intervention.request_stop(run.pk, how="stop", by="ada")

    running.run(run.pk)

    assert states(run) == ["stopped", "unknown"]
    assert world.seen == []


def test_a_second_look_at_the_signal_disturbs_no_way_back(approved: Any, world: Any):
    run = approved(paths=("forward",), rollback=("back",))
    running.run(run.pk)
    Execution.objects.update(verify_until=timezone.now() - timedelta(seconds=1))
    late = Execution.objects.get(pk=run.pk)
    verification.check(run.pk)
    back = claiming.claim(run.pk)

    assert not execution.begin_rollback(late.pk, "Again.", fence=late.fence)
    assert not execution.finish(late.pk, "failed", "Again.", fence=late.fence)

    assert claiming.renew(back) == ""


@pytest.mark.django_db(transaction=True)
def test_kill_does_not_wait_for_the_tries_that_are_left(approved: Any, world: Any):
    gate = world.hold("/mend")
    run = approved(method="PUT", retries=5, timeout=20)
    worker = threading.Thread(target=_run_and_close, args=(run.pk,))
    worker.start()
    world.wait_for(1)

    intervention.request_stop(run.pk, how="kill", by="ada")
    worker.join(timeout=5)

    gate.set()
    assert not worker.is_alive()
    assert states(run) == ["unknown", "unknown"]
    assert world.paths() == ["/mend"]


@pytest.mark.django_db(transaction=True)
def test_stop_ends_a_run_that_waits_to_try_again(approved: Any, world: Any):
    world.statuses["/mend"] = 500
    run = approved(method="PUT", retries=5)
    worker = threading.Thread(target=_run_and_close, args=(run.pk,))
    worker.start()
    world.wait_for(3)

    intervention.request_stop(run.pk, how="stop", by="ada")
    worker.join(timeout=5)

    assert not worker.is_alive()
    assert states(run) == ["failed", "failed"]
    assert len(world.seen) == 3


def test_what_did_not_begin_within_the_lease_does_not_begin(
    approved: Any, world: Any, monkeypatch: Any
):
    monkeypatch.setattr(execution, "LEASE", timedelta(0))
    run = approved()

    running.run(run.pk)

    assert states(run) == ["failed", "failed"]
    assert world.seen == []


def _run_and_close(execution_id: int) -> None:
    running.run(execution_id)
    connection.close()
