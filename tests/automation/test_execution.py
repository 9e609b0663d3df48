"""What an execution does to the world: a real HTTP server counts the effects."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from automation import (
    approval,
    claiming,
    execution,
    intervention,
    planning,
    running,
    switch,
    verification,
)
from automation.document_models import Verify
from automation.execution import Fenced
from automation.intervention import NotStoppable
from automation.models import (
    Connection,
    Execution,
    HealingPolicy,
    OutputLine,
    Remediation,
    StepRun,
)
from incidents import lifecycle
from incidents.models import Alert, KnownFix, Severity, TimelineEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(proposal: Any, person: Any) -> Any:
    def make(**options: Any) -> Execution:
        remediation = proposal(**options)
        name = f"ada-{remediation.pk}"
        approval.approve(
            remediation.pk, plan_hash=remediation.plan_hash, by=person(name, "approver")
        )
        return Execution.objects.get(remediation=remediation)

    return make


def resolve_alerts(run: Execution) -> None:
    Alert.objects.filter(pk__in=run.verification["alerts"]).update(status="resolved")


def test_the_approved_request_reaches_the_world_once_and_is_verified(approved: Any, world: Any):
    run = approved()

    running.run(run.pk)
    run.refresh_from_db()
    assert run.state == "verifying"
    resolve_alerts(run)
    verification.check(run.pk)

    run.refresh_from_db()
    assert world.seen == [("/mend", {"service": "checkout"})]
    assert run.state == run.remediation.status == "succeeded"
    assert KnownFix.objects.get().successes == 1


def test_output_and_states_are_numbered_without_a_gap(approved: Any):
    run = approved(paths=("one", "two"))

    running.run(run.pk)

    lines = OutputLine.objects.filter(execution=run).values_list("seq", flat=True)
    assert list(lines) == list(range(1, len(lines) + 1))
    assert {"state", "step", "output"} == set(
        OutputLine.objects.filter(execution=run).values_list("kind", flat=True)
    )


def test_ten_doorbells_ring_for_one_run(approved: Any, world: Any):
    run = approved()

    for _ in range(10):
        running.run(run.pk)

    assert world.paths() == ["/mend"]


def test_a_plan_that_changed_between_approval_and_run_is_invalidated(approved: Any, world: Any):
    run = approved()
    Connection.objects.update(url="http://127.0.0.1:9")

    running.run(run.pk)

    run.refresh_from_db()
    assert run.remediation.status == "invalidated"
    assert world.seen == []
    assert TimelineEntry.objects.filter(text__startswith="Nothing was run").exists()


def test_a_signal_that_does_not_come_back_is_no_success(approved: Any):
    run = approved()
    running.run(run.pk)
    Execution.objects.update(verify_until=timezone.now() - timedelta(seconds=1))

    verification.check(run.pk)

    run.refresh_from_db()
    assert run.state == "failed"
    assert "ServiceDown still firing" in run.reason
    assert KnownFix.objects.get().failures == 1


def test_a_runbook_that_names_no_signal_ends_with_its_last_step(approved: Any):
    run = approved(verify=False)

    running.run(run.pk)

    run.refresh_from_db()
    assert run.state == "succeeded"
    assert not KnownFix.objects.exists()


def test_no_effect_runs_the_declared_way_back(approved: Any, world: Any):
    run = approved(paths=("forward",), rollback=("back",))
    running.run(run.pk)
    Execution.objects.update(verify_until=timezone.now() - timedelta(seconds=1))
    verification.check(run.pk)

    running.run(run.pk)

    run.refresh_from_db()
    assert world.paths() == ["/forward", "/back"]
    assert run.state == run.remediation.status == "rolled_back"


def test_a_failing_step_ends_it_and_the_rest_is_skipped(approved: Any, world: Any):
    world.statuses["/one"] = 409
    run = approved(paths=("one", "two"))

    running.run(run.pk)

    run.refresh_from_db()
    assert run.state == "failed"
    assert world.paths() == ["/one"]
    assert [step.state for step in run.steps.all()] == ["failed", "skipped"]


def test_an_idempotent_step_is_tried_again_as_often_as_approved(approved: Any, world: Any):
    world.statuses["/mend"] = 500
    run = approved(method="PUT", retries=1)

    running.run(run.pk)

    assert world.paths() == ["/mend", "/mend"]
    assert run.steps.get().attempts == 2


class TestALostWorker:
    """The worker dies with a step on disk as running: nobody can know whether it happened."""

    def lose(self, run: Execution) -> StepRun:
        claimed = claiming.claim(run.pk)
        step = run.steps.first()
        execution.begin_step(claimed, step)
        Execution.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        return step

    def test_the_step_is_shown_as_unknown_and_not_done_again(self, approved: Any, world: Any):
        run = approved(paths=("one", "two"))
        self.lose(run)

        running.run(run.pk)

        run.refresh_from_db()
        assert run.state == "unknown"
        assert [step.state for step in run.steps.all()] == ["unknown", "skipped"]
        assert world.seen == []

    def test_an_idempotent_step_is_done_again(self, approved: Any, world: Any):
        run = approved(method="PUT")
        self.lose(run)

        running.run(run.pk)

        assert world.paths() == ["/mend"]

    def test_the_sweep_finds_it(self, approved: Any):
        run = approved()
        self.lose(run)

        assert claiming.overdue(timezone.now()) == [run.pk]

    @pytest.mark.parametrize(
        ("verdict", "paths"), [("done", ["/two"]), ("not_done", ["/one", "/two"])]
    )
    def test_a_person_says_whether_it_happened_and_it_goes_on(
        self, approved: Any, world: Any, verdict: str, paths: list[str]
    ):
        run = approved(paths=("one", "two"))
        step = self.lose(run)
        running.run(run.pk)

        intervention.settle_unknown(step.pk, verdict=verdict, by="ada")
        running.run(run.pk)

        run.refresh_from_db()
        assert world.paths() == paths
        assert run.state == "verifying"

    def test_giving_up_runs_nothing_more(self, approved: Any, world: Any):
        run = approved(paths=("one", "two"))
        step = self.lose(run)
        running.run(run.pk)

        intervention.settle_unknown(step.pk, verdict="give_up", by="ada")

        run.refresh_from_db()
        assert run.state == "failed"
        assert world.seen == []

    def test_the_old_holder_can_write_nothing_any_more(self, approved: Any):
        run = approved(method="PUT")
        old = claiming.claim(run.pk)
        Execution.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        new = claiming.claim(run.pk)
        step = run.steps.get()

        for write in (
            lambda: execution.begin_step(old, step),
            lambda: execution.end_step(old, step, "succeeded", "late"),
            lambda: execution.print_lines(old, step, ["late"]),
            lambda: execution.verify_next(old, Verify()),
            lambda: claiming.renew(old),
        ):
            with pytest.raises(Fenced):
                write()
        assert not execution.finish(run.pk, "succeeded", "late", fence=old.fence)
        assert new.fence == old.fence + 1
        assert not OutputLine.objects.filter(text__contains="late").exists()


def test_who_holds_the_lease_is_left_alone(approved: Any):
    run = approved()

    first, second = claiming.claim(run.pk), claiming.claim(run.pk)

    assert first is not None
    assert second is None


def test_stop_is_honoured_at_the_border_of_a_step(approved: Any, world: Any):
    run = approved(paths=("one", "two"))
    intervention.request_stop(run.pk, how="stop", by="ada")

    running.run(run.pk)

    run.refresh_from_db()
    assert run.state == "stopped"
    assert world.seen == []


def test_what_has_ended_cannot_be_stopped(approved: Any):
    run = approved()
    Execution.objects.update(state="succeeded")

    with pytest.raises(NotStoppable):
        intervention.request_stop(run.pk, how="stop", by="ada")


@pytest.mark.django_db(transaction=True)
def test_kill_lets_go_of_a_step_that_hangs(approved: Any, world: Any):
    gate = world.hold("/mend")
    run = approved(timeout=20)
    worker = threading.Thread(target=_run_and_close, args=(run.pk,))
    worker.start()
    world.wait_for(1)

    intervention.request_stop(run.pk, how="kill", by="ada")
    worker.join(timeout=5)

    gate.set()
    run.refresh_from_db()
    assert not worker.is_alive()
    assert run.state == "unknown"
    assert run.steps.get().state == "unknown"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_race_for_it_one_runs_it(approved: Any, world: Any):
    run = approved()
    workers = [threading.Thread(target=_run_and_close, args=(run.pk,)) for _ in range(8)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)

    assert world.paths() == ["/mend"]


@pytest.mark.django_db(transaction=True)
def test_a_cap_holds_when_many_start_at_once(approved: Any, world: Any):
    runs = [approved(max_per_hour=3)]
    for _ in range(5):
        runs.append(_approve_again(runs[0].remediation))
    workers = [threading.Thread(target=_run_and_close, args=(run.pk,)) for run in runs]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)

    assert len(world.seen) == 3
    states = list(Remediation.objects.values_list("status", flat=True))
    assert states.count("invalidated") == 3


def test_a_pause_stops_what_no_person_decided(proposal: Any, person: Any, world: Any):
    remediation = proposal()
    Remediation.objects.update(policy=_policy(remediation))
    remediation = Remediation.objects.select_related("policy").get()
    planning.refresh(remediation, planning.plan_now(remediation))
    run = execution.start(remediation)
    switch.pause(by=person("ada", "approver"), reason="Deploy night")

    running.run(run.pk)

    run.refresh_from_db()
    assert world.seen == []
    assert "Deploy night" in run.reason


def test_a_pause_stops_what_runs_at_the_border_of_a_step(approved: Any, person: Any, world: Any):
    run = approved(paths=("one", "two"))
    switch.pause(by=person("bob", "approver"), reason="Wrong data centre")

    running.run(run.pk)

    run.refresh_from_db()
    assert run.state == "stopped"
    assert world.seen == []


def test_what_a_person_approves_during_a_pause_runs(approved: Any, person: Any, world: Any):
    switch.pause(by=person("bob", "approver"), reason="Deploy night")
    run = approved()

    running.run(run.pk)

    assert world.paths() == ["/mend"]


def _policy(remediation: Remediation) -> HealingPolicy:
    return HealingPolicy.objects.create(
        name="heal", matchers=["service=checkout"], runbook=remediation.runbook, mode="auto"
    )


def _approve_again(remediation: Remediation) -> Execution:
    """The same runbook on the same target, for another incident."""
    number = remediation.incident_id
    twin = lifecycle.open_incident(
        title="again",
        severity=Severity.CRITICAL,
        correlation_key=f"twin:{Remediation.objects.count()}",
        onset_at=timezone.now(),
        service_id=remediation.incident.service_id,
        actor="test",
        text="Opened",
    )
    again = Remediation.objects.get(pk=remediation.pk)
    again.pk, again.incident = None, twin
    again.status = "proposed"
    again.plan = planning.plan_now(again).as_json()
    again.plan_hash = planning.plan_now(again).plan_hash
    again.save(force_insert=True)
    assert number != twin.number
    return execution.start(again)


def _run_and_close(execution_id: int) -> None:
    running.run(execution_id)
    connection.close()
