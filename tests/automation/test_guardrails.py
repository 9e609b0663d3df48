import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCServer

import pytest
from django.utils import timezone

from automation import approval, execution, guardrails, planning, switch
from automation.approval import HeldBack
from automation.limits import Check
from automation.models import Execution, HealingPolicy, Remediation
from tests.automation.pages_world import a_plan, an_incident, connect_supervisor

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran(proposal: Any, incident: Any) -> Any:
    """A waiting plan whose runbook has run on a target some seconds ago, for other incidents."""

    def make(*seconds_ago: int, target: str = "/mend", **options: Any) -> Remediation:
        waiting = proposal(**options)
        now = timezone.now()
        for seconds in seconds_ago:
            chosen = planning.Candidate(waiting.runbook, 0.0, "")
            other = planning.draft(incident("payments"), chosen)
            other.plan["targets"] = [target]
            other.save()
            execution.start(other)
            Execution.objects.filter(remediation=other).update(
                started_at=now - timedelta(seconds=seconds)
            )
        return waiting

    return make


def checked(remediation: Remediation, **options: Any) -> dict[str, Check]:
    checks = guardrails.check(remediation, timezone.now(), **options)
    return {check.name: check for check in checks}


def use_policy(remediation: Remediation, **stated: Any) -> None:
    remediation.policy = HealingPolicy.objects.create(
        name="heal", matchers=["service=checkout"], runbook=remediation.runbook, guardrails=stated
    )
    remediation.save()


def test_without_a_run_everything_passes(proposal: Any):
    assert all(check.passed for check in checked(proposal()).values())


def test_a_target_cools_down_for_as_long_as_its_runbook_says(ran: Any):
    waiting = ran(100, cooldown=120)

    cooldown = checked(waiting)["cooldown_seconds"]

    assert not cooldown.passed
    assert "/mend cools down for" in cooldown.reason
    Execution.objects.update(started_at=timezone.now() - timedelta(seconds=121))
    assert checked(waiting)["cooldown_seconds"].passed


def test_another_target_cools_nobody_down(ran: Any):
    assert checked(ran(1, target="/other", cooldown=300))["cooldown_seconds"].passed


def test_the_cap_counts_the_last_hour_of_a_target(ran: Any):
    full = checked(ran(10, 20, 3590, max_per_hour=3))["max_per_hour"]
    free = checked(ran(10, 20, 3610, max_per_hour=6))["max_per_hour"]

    assert (full.passed, full.reason) == (
        False,
        "3 runs of /mend in the last hour, at most 3 allowed.",
    )
    assert free.passed


def test_what_was_approved_but_never_ran_does_not_count(ran: Any):
    waiting = ran(5, max_per_hour=1, cooldown=300)
    Execution.objects.update(started_at=None, state="stopped")

    assert all(check.passed for check in checked(waiting).values())


def test_what_a_policy_states_replaces_what_the_runbook_says(ran: Any):
    waiting = ran(100, cooldown=300, max_per_hour=1)
    use_policy(waiting, cooldown_seconds=60)

    checks = checked(waiting)

    assert checks["cooldown_seconds"].passed
    assert not checks["max_per_hour"].passed


def test_outside_its_window_it_says_when_it_opens(proposal: Any):
    waiting = proposal()
    yesterday = (timezone.now() - timedelta(days=1)).strftime("%a").lower()
    use_policy(waiting, window=f"{yesterday} 00:00-12:00 Europe/Berlin")

    window = checked(waiting)["window"]

    assert not window.passed
    assert window.reason.startswith("Closed until")
    assert window.reason.endswith("Europe/Berlin.")


def test_a_pause_stands_against_policies_only(proposal: Any, person: Any):
    waiting = proposal()
    switch.pause(by=person("ada", "approver"), reason="Deploy night")

    assert checked(waiting)["paused"].passed
    by_itself = checked(waiting, is_automatic=True)["paused"]
    assert (by_itself.passed, by_itself.reason) == (False, "Automation is paused: Deploy night.")


@pytest.mark.parametrize("risk", ["high", "critical"])
def test_no_policy_may_run_a_high_risk(proposal: Any, risk: str):
    waiting = proposal(risk=risk)

    assert checked(waiting)["risk"].passed
    assert not checked(waiting, is_automatic=True)["risk"].passed


def process_info(program: str) -> dict[str, str]:
    if program != "checkout":
        raise Fault(10, f"BAD_NAME: {program}")
    return {"statename": "RUNNING"}


@pytest.fixture
def estate(settings: Any) -> Iterator[None]:
    """A supervisor with one program, checkout."""
    settings.OUTBOUND_ALLOW = "127.0.0.1/32"
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(process_info, "supervisor.getProcessInfo")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        connect_supervisor(f"http://127.0.0.1:{server.server_address[1]}/RPC2")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("estate")
def test_a_target_its_connection_does_not_know_stands_against_the_plan(person: Any):
    plan = a_plan(incident=an_incident("warehouse"))

    target = checked(plan)["target"]

    assert (target.passed, target.reason) == (False, "estate has no program warehouse.")
    with pytest.raises(HeldBack, match="no program warehouse"):
        approval.approve(plan.pk, plan_hash=plan.plan_hash, by=person("ada", "approver"))


@pytest.mark.usefixtures("estate")
def test_a_target_its_connection_knows_passes():
    target = checked(a_plan())["target"]

    assert (target.passed, target.reason) == (True, "estate has a program checkout.")


def test_a_connection_that_does_not_answer_leaves_the_target_unknown():
    target = checked(a_plan())["target"]

    assert target.passed
    assert "whether it has a program checkout is unknown" in target.reason
