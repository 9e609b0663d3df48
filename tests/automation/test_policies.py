import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from automation import approval, execution, planning, policies, running, switch, verification
from automation.models import Execution, HealingPolicy, PolicyDecision, Remediation
from incidents import lifecycle
from incidents.models import Alert, Incident, Severity, TimelineEntry
from telemetry.models import Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def down(world: Any, incident: Callable[..., Incident]) -> Incident:
    return incident("checkout")


@pytest.fixture
def policy(runbook: Any) -> Any:
    def make(mode: str = "auto", name: str = "heal", **facts: Any) -> HealingPolicy:
        options = facts.pop("options", {})
        facts.setdefault("matchers", ["service=checkout"])
        return HealingPolicy.objects.create(
            name=name, mode=mode, runbook=runbook(**options), **facts
        )

    return make


def decide(incident: Incident) -> PolicyDecision | None:
    policies.decide(incident.number)
    return PolicyDecision.objects.filter(incident=incident).first()


def told(incident: Incident) -> list[str]:
    entries = TimelineEntry.objects.filter(incident=incident, kind="policy")
    return list(entries.values_list("text", flat=True))


class TestModes:
    def test_observe_says_what_it_would_do_and_does_nothing(self, down: Incident, policy: Any):
        policy("observe")

        decision = decide(down)

        assert decision.outcome == "observed"
        assert told(down) == ["Policy heal observed: It matches; it would propose mend."]
        assert not Remediation.objects.exists()

    def test_suggest_makes_a_plan_that_waits_for_a_person(self, down: Incident, policy: Any):
        heal = policy("suggest")

        decision = decide(down)

        assert decision.outcome == "suggested"
        assert decision.remediation.policy == heal
        assert decision.remediation.status == "proposed"
        assert decision.remediation.plan["policy_version"] == "heal v1"
        assert not Execution.objects.exists()

    def test_auto_runs_and_the_world_feels_it_once(self, down: Incident, policy: Any, world: Any):
        policy("auto")

        decision = decide(down)
        running.run(Execution.objects.get().pk)

        assert (decision.outcome, decision.reason) == ("ran", "Every guardrail passed.")
        assert world.seen == [("/mend", {"service": "checkout"})]

    @pytest.mark.parametrize("risk", ["high", "critical"])
    def test_auto_never_runs_a_high_risk(self, down: Incident, policy: Any, risk: str):
        policy("auto", options={"risk": risk})

        decision = decide(down)

        assert decision.outcome == "held_back"
        assert f"may not run {risk} risk" in decision.reason
        assert not Execution.objects.exists()

    def test_a_disabled_policy_says_nothing(self, down: Incident, policy: Any):
        policy("auto", is_enabled=False)

        assert decide(down) is None

    def test_for_an_incident_that_is_over_nothing_is_decided(self, down: Incident, policy: Any):
        policy("auto")
        lifecycle.transition(down.number, to="resolved", actor="ada")

        assert decide(down) is None

    def test_its_parameters_go_into_the_plan(self, down: Incident, policy: Any):
        policy("suggest", parameters={"service": "payments"})

        assert decide(down).remediation.plan["parameters"] == {"service": "payments"}

    def test_parameters_that_do_not_fit_are_said_and_nothing_is_planned(
        self, down: Incident, policy: Any
    ):
        policy("auto", parameters={"service": "NOT A SLUG"})

        decision = decide(down)

        assert decision.outcome == "held_back"
        assert "service" in decision.reason
        assert not Remediation.objects.exists()


class TestMatching:
    @pytest.mark.parametrize(
        ("matchers", "fits"),
        [
            (["service=checkout"], True),
            (["service=payments"], False),
            (["severity=~critical|high"], True),
            (["severity=low"], False),
            (["classification=service_down"], True),
            (["alertname=ServiceDown", "region=eu"], True),
            (["region=~us.*"], False),
            (["region!=us", "team="], True),
            ([], True),
        ],
    )
    def test_labels_severity_and_service_decide(
        self,
        down: Incident,
        policy: Any,
        matchers: list[str],
        fits: bool,  # noqa: FBT001
    ):
        Alert.objects.update(labels={"service": "checkout", "region": "eu"})
        heal = policy(matchers=matchers)

        assert policies.matches(heal, Incident.objects.get()) is fits

    def test_one_alert_has_to_fit_all_of_them(self, down: Incident, policy: Any):
        [alert] = Alert.objects.all()
        Alert.objects.update(labels={"region": "eu"})
        alert.pk, alert.fingerprint, alert.labels = None, "f" * 32, {"tier": "1"}
        alert.save()

        assert not policies.matches(policy(matchers=["region=eu", "tier=1"]), down)

    def test_an_incident_without_alerts_or_service_is_no_trouble(self, down: Incident, policy: Any):
        Alert.objects.all().delete()
        Incident.objects.update(service=None)

        assert not policies.matches(policy(matchers=[]), Incident.objects.get())


class TestOneDecision:
    def test_an_incident_is_decided_about_once(self, down: Incident, policy: Any):
        policy("auto")

        for _ in range(3):
            decide(down)

        assert PolicyDecision.objects.count() == Execution.objects.count() == 1
        assert len(told(down)) == 1

    def test_every_policy_that_matches_decides(self, down: Incident, policy: Any):
        policy("observe", name="watch-1", options={"name": "one"})
        policy("suggest", name="watch-2", options={"name": "two"})

        decide(down)

        outcomes = PolicyDecision.objects.order_by("policy__name").values_list("outcome", flat=True)
        assert list(outcomes) == ["observed", "suggested"]

    def test_what_planning_proposed_already_is_bound_to_the_policy(
        self, down: Incident, policy: Any
    ):
        heal = policy("auto")
        [proposed] = planning.propose(down.number)

        decision = decide(down)

        assert decision.remediation == proposed
        proposed.refresh_from_db()
        assert (proposed.policy, proposed.status) == (heal, "approved")
        assert Remediation.objects.count() == 1

    def test_two_policies_with_one_runbook_start_it_once(
        self, down: Incident, policy: Any, world: Any
    ):
        policy("auto", name="heal-1")
        policy("auto", name="heal-2")

        decide(down)

        assert Execution.objects.count() == 1
        outcomes = PolicyDecision.objects.order_by("policy__name").values_list("outcome", flat=True)
        assert list(outcomes) == ["ran", "held_back"]


class TestHeldBack:
    def past_run(self, incident: Callable[..., Incident], of: HealingPolicy) -> Execution:
        """The runbook ran a moment ago, for another incident of the same service."""
        chosen = planning.Candidate(of.runbook, 0.0, "")
        done = planning.draft(incident("checkout"), chosen)
        run = execution.start(done)
        Execution.objects.update(started_at=timezone.now(), state="succeeded")
        Remediation.objects.filter(pk=done.pk).update(status="succeeded")
        return run

    @pytest.mark.parametrize(
        ("stated", "words"),
        [
            ({"cooldown_seconds": 300}, "/mend cools down for"),
            ({"max_per_hour": 1}, "at most 1 allowed"),
        ],
    )
    def test_a_guardrail_holds_it_back_in_words_until_it_gives_way(
        self, down: Incident, policy: Any, incident: Any, stated: dict[str, int], words: str
    ):
        heal = policy("auto", guardrails=stated)
        self.past_run(incident, heal)

        first = decide(down)
        waiting = policies.held_back()
        Execution.objects.update(started_at=timezone.now() - timedelta(hours=2))
        second = decide(down)

        assert (first.outcome, second.outcome) == ("held_back", "ran")
        assert words in first.reason
        assert waiting == [down.number]
        assert policies.held_back() == []

    def test_a_window_holds_it_back(self, down: Incident, policy: Any):
        day = (timezone.now() + timedelta(days=2)).strftime("%a").lower()
        policy("auto", guardrails={"window": f"{day} 10:00-11:00"})

        assert "Closed until" in decide(down).reason

    def test_a_pause_holds_it_back_and_resuming_lets_it_run(
        self, down: Incident, policy: Any, person: Any
    ):
        policy("auto")
        ada = person("ada", "approver")
        switch.pause(by=ada, reason="Deploy night")
        first = decide(down)
        switch.resume(by=ada)

        second = decide(down)

        assert first.reason == "Automation is paused: Deploy night."
        assert second.outcome == "ran"

    def test_looking_again_in_vain_is_no_news(self, down: Incident, policy: Any, person: Any):
        policy("auto")
        switch.pause(by=person("ada", "approver"), reason="Deploy night")

        for _ in range(3):
            decide(down)

        assert len(told(down)) == 1
        assert Remediation.objects.count() == 1

    def test_one_that_lost_the_race_for_the_last_free_run_looks_again(
        self, down: Incident, policy: Any, incident: Any, world: Any
    ):
        policy("auto", guardrails={"max_per_hour": 1})
        rival = incident("checkout")
        decide(down)
        decide(rival)

        for run in Execution.objects.order_by("pk"):
            running.run(run.pk)

        assert world.paths() == ["/mend"]
        assert policies.held_back() == [rival.number]
        again = decide(rival)
        assert again.outcome == "held_back"
        assert "at most 1 allowed" in again.reason

    def test_what_a_person_rejected_it_does_not_run_later(
        self, down: Incident, policy: Any, person: Any
    ):
        policy("auto")
        ada = person("ada", "approver")
        switch.pause(by=ada, reason="Deploy night")
        held = decide(down).remediation
        approval.reject(held.pk, plan_hash=held.plan_hash, by=ada, reason="It is the network.")
        switch.resume(by=ada)

        decision = decide(down)

        assert decision.outcome == "held_back"
        assert "rejected" in decision.reason
        assert not Execution.objects.exists()

    def test_an_expired_plan_is_not_what_runs(self, down: Incident, policy: Any, person: Any):
        policy("auto")
        ada = person("ada", "approver")
        switch.pause(by=ada, reason="Deploy night")
        old = decide(down).remediation
        Remediation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        switch.resume(by=ada)

        decide(down)
        planning.expire(timezone.now())
        decision = decide(down)

        old.refresh_from_db()
        assert old.status == "expired"
        assert decision.outcome == "ran"
        assert decision.remediation != old

    def test_one_that_only_suggests_does_not_wait_to_run(
        self, down: Incident, policy: Any, runbook: Any
    ):
        heal = policy("suggest", parameters={"colour": "red"})

        decision = decide(down)

        assert decision.outcome == "held_back"
        assert policies.held_back() == []
        HealingPolicy.objects.filter(pk=heal.pk).update(mode="auto")
        assert policies.held_back() == [down.number]

    def test_an_incident_that_ended_meanwhile_is_left_alone(
        self, down: Incident, policy: Any, person: Any
    ):
        policy("auto")
        switch.pause(by=person("ada", "approver"), reason="Deploy night")
        decide(down)

        lifecycle.transition(down.number, to="resolved", actor="ada")

        assert policies.held_back() == []


class TestTrust:
    def run_to_the_end(self, down: Incident, *, helped: bool) -> Execution:
        decide(down)
        run = Execution.objects.get()
        running.run(run.pk)
        if helped:
            Alert.objects.update(status="resolved")
        Execution.objects.update(verify_until=timezone.now() - timedelta(seconds=1))
        verification.check(run.pk)
        run.refresh_from_db()
        return run

    def test_a_run_that_did_not_help_takes_the_right_back(
        self, down: Incident, policy: Any, django_capture_on_commit_callbacks: Any
    ):
        heal = policy("auto")

        with django_capture_on_commit_callbacks(execute=True):
            run = self.run_to_the_end(down, helped=False)

        heal.refresh_from_db()
        assert run.state == "failed"
        assert (heal.mode, heal.version) == ("suggest", 2)
        assert told(down)[-1] == "Policy heal suggests from now on: its run did not help."

    def test_a_run_that_helped_keeps_it(
        self, down: Incident, policy: Any, django_capture_on_commit_callbacks: Any
    ):
        heal = policy("auto")

        with django_capture_on_commit_callbacks(execute=True):
            run = self.run_to_the_end(down, helped=True)

        heal.refresh_from_db()
        assert (run.state, heal.mode) == ("succeeded", "auto")

    def test_one_that_was_rolled_back_takes_it_too(
        self, down: Incident, policy: Any, django_capture_on_commit_callbacks: Any, world: Any
    ):
        heal = policy("auto", options={"rollback": ("back",)})

        with django_capture_on_commit_callbacks(execute=True):
            run = self.run_to_the_end(down, helped=False)
            running.run(run.pk)

        heal.refresh_from_db()
        assert world.paths() == ["/mend", "/back"]
        assert heal.mode == "suggest"

    @pytest.mark.parametrize("mode", ["suggest", "observe"])
    def test_one_that_has_no_such_right_loses_none(self, proposal: Any, policy: Any, mode: str):
        remediation = proposal()
        remediation.policy = policy(mode)

        policies.lower_after_failure(remediation)

        remediation.policy.refresh_from_db()
        assert (remediation.policy.mode, remediation.policy.version) == (mode, 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_decide_at_once_start_one_run(down: Incident, policy: Any):
    policy("auto")
    ready = threading.Barrier(4)

    def work() -> None:
        ready.wait(10)
        policies.decide(down.number)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)

    assert Execution.objects.count() == Remediation.objects.count() == 1
    assert PolicyDecision.objects.get().outcome == "ran"


def _checkout() -> Service:
    return Service.objects.get_or_create(slug="checkout")[0]


def _alert(of: Incident) -> Alert:
    now = timezone.now()
    return Alert.objects.create(
        fingerprint="a" * 32,
        name="ServiceDown",
        severity="critical",
        status="firing",
        service=of.service,
        labels={"service": "checkout"},
        starts_at=now,
        first_received_at=now,
        last_received_at=now,
        incident=of,
    )


def test_from_the_analysis_to_the_verified_end_nobody_is_needed(
    world: Any,
    policy: Any,
    eager: None,
    django_capture_on_commit_callbacks: Any,
):
    policy("auto")

    with django_capture_on_commit_callbacks(execute=True):
        opened = lifecycle.open_incident(
            title="checkout is down",
            severity=Severity.CRITICAL,
            correlation_key="service:1",
            onset_at=timezone.now(),
            service_id=_checkout().pk,
            actor="intake",
            text="Opened",
        )
        alert = _alert(opened)
    with django_capture_on_commit_callbacks(execute=True):
        Alert.objects.filter(pk=alert.pk).update(status="resolved")
        lifecycle.transition(opened.number, to="resolved", actor="intake")

    assert world.seen == [("/mend", {"service": "checkout"})]
    assert Execution.objects.get().state == "succeeded"
    assert Remediation.objects.get().status == "succeeded"
