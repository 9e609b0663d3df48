from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.db import connection

from aiops_site import doorbell
from automation import approval, guardrails, running, switch
from automation.models import AutomationSwitch, Execution, Remediation

pytestmark = pytest.mark.django_db


def _run_and_close(execution_id: int) -> None:
    running.run(execution_id)
    connection.close()


def _approved(remediation: Remediation, person: User) -> Execution:
    approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=person)
    return Execution.objects.get(remediation=remediation)


def test_automation_may_act_until_somebody_pauses_it(person: Any):
    assert guardrails.pause_reason() is None

    switch.pause(by=person("ada", "approver"), reason="Deploy night")

    assert guardrails.pause_reason() == "Deploy night"


def test_a_pause_without_a_reason_is_a_pause(person: Any):
    switch.pause(by=person("ada", "approver"), reason="")

    assert guardrails.pause_reason() == ""


def test_there_is_one_switch_that_remembers_who_turned_it_last(person: Any):
    ada, bob = person("ada", "approver"), person("bob", "approver")
    switch.pause(by=ada, reason="r" * 400)
    first = AutomationSwitch.objects.get()

    switch.resume(by=bob)

    kept = AutomationSwitch.objects.get()
    assert len(first.reason) == 300
    assert (kept.is_paused, kept.reason, kept.by) == (False, "", bob)
    assert kept.changed_at > first.changed_at
    assert guardrails.pause_reason() is None


def test_it_can_be_turned_while_there_is_no_broker(person: Any, monkeypatch: Any):
    def unreachable(*args: Any, **options: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(current_app, "send_task", unreachable)
    sent = doorbell.counts()["rings"]

    switch.pause(by=person("ada", "approver"), reason="Broker is down")

    assert guardrails.pause_reason() == "Broker is down"
    assert doorbell.counts()["rings"] == sent


@pytest.mark.django_db(transaction=True)
def test_a_pause_between_two_steps_keeps_the_second_from_starting(
    proposal: Any, person: Any, world: Any
):
    from_a_person = person("ada", "approver")
    remediation = proposal(paths=("one", "two"))
    run = _approved(remediation, from_a_person)
    gate = world.hold("/one")

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(_run_and_close, run.pk)
        world.wait_for(1)
        switch.pause(by=from_a_person, reason="Wrong data centre")
        gate.set()
        worker.result(timeout=20)

    run.refresh_from_db()
    assert world.paths() == ["/one"]
    assert run.state == "stopped"
    assert [step.state for step in run.steps.all()] == ["succeeded", "skipped"]
