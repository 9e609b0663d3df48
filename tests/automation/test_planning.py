from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from automation import approval, execution, planning
from automation.models import Remediation, Runbook, RunbookVersion
from automation.plan import PlanRefused, hash_of
from automation.planning import AlreadyPlanned, by_hand, candidates, propose
from automation.published import publish, write_version
from incidents import lifecycle
from incidents.models import Alert, Incident, KnownFix, TimelineEntry
from telemetry.models import Service

pytestmark = pytest.mark.django_db
FITTING = """
name: {name}
risk: low
applies_to: {applies_to}
steps:
  - action: http_request
    executor: http
    target: /{name}
    args: {{method: POST}}
"""


def fitting(name: str, applies_to: str = "{classification: [service_down]}") -> Runbook:
    text = FITTING.format(name=name, applies_to=applies_to)
    publish(write_version(text, author=None, reason="for the test"))
    return Runbook.objects.get(name=name)


def fix(runbook: str, *, worked: int = 0, failed: int = 0, **facts: Any) -> KnownFix:
    usual = {"alert_name": "ServiceDown", "service": Service.objects.get(slug="checkout")}
    return KnownFix.objects.create(
        runbook=runbook, successes=worked, failures=failed, **(usual | facts)
    )


@pytest.fixture
def down(world: Any, incident: Callable[..., Incident]) -> Incident:
    return incident("checkout")


def names(incident: Incident) -> list[str]:
    return [candidate.runbook.name for candidate in candidates(incident)]


class TestCandidates:
    def test_the_better_it_fits_the_higher_it_ranks(self, down: Incident):
        fitting("by-class")
        fitting("by-alert", "{labels: {alertname: ServiceDown}}")
        fitting("by-both", "{classification: [service_down], labels: {alertname: ServiceDown}}")
        fitting("not-at-all", "{classification: [latency], labels: {alertname: Other}}")
        fitting("says-nothing", "{}")

        found = candidates(down)

        assert [c.runbook.name for c in found] == ["by-both", "by-alert", "by-class"]
        assert [c.confidence for c in found] == [0.75, 0.6, 0.45]

    def test_why_is_said_in_words(self, down: Incident):
        fitting("by-both", "{classification: [service_down], labels: {alertname: ServiceDown}}")

        [candidate] = candidates(down)

        assert candidate.why == "It applies to ServiceDown and to service down incidents."

    def test_all_labels_have_to_agree(self, down: Incident):
        fitting("here", "{labels: {service: checkout}}")
        fitting("elsewhere", "{labels: {service: checkout, region: mars}}")

        assert names(down) == ["here"]

    def test_what_is_disabled_or_not_published_is_no_candidate(self, down: Incident):
        Runbook.objects.filter(pk=fitting("disabled").pk).update(is_enabled=False)
        write_version(
            FITTING.format(name="draft", applies_to="{classification: [service_down]}"),
            author=None,
            reason="",
        )

        assert names(down) == []

    def test_what_worked_before_overtakes_what_only_fits(self, down: Incident):
        fitting("by-class")
        fitting("by-alert", "{labels: {alertname: ServiceDown}}")
        fix("by-class", worked=8)

        best = candidates(down)[0]

        assert best.runbook.name == "by-class"
        assert best.confidence == pytest.approx((0.45 * 2 + 8) / 10, abs=0.01)
        assert "It worked 8 of 8 times on this kind of trouble." in best.why

    def test_what_failed_before_falls_behind(self, down: Incident):
        fitting("by-class")
        fitting("by-alert", "{labels: {alertname: ServiceDown}}")
        fix("by-alert", worked=1, failed=3)

        assert names(down) == ["by-class", "by-alert"]

    def test_what_worked_elsewhere_or_for_something_else_does_not_count(self, down: Incident):
        fitting("by-class")
        fix("by-class", worked=9, alert_name="DiskFull")
        fix("by-class", worked=9, service=Service.objects.create(slug="payments"))

        assert candidates(down)[0].confidence == 0.45

    def test_a_stored_text_that_is_no_longer_valid_does_not_hide_the_others(self, down: Incident):
        fitting("good")
        broken = fitting("broken")
        RunbookVersion.objects.filter(runbook=broken).update(text="name: broken\n")

        assert names(down) == ["good"]


class TestProposing:
    def test_the_best_three_are_proposed_and_told(self, down: Incident):
        for index in range(5):
            fitting(f"runbook-{index}")

        made = propose(down.number)

        assert len(made) == planning.PROPOSALS
        assert {r.status for r in made} == {"proposed"}
        told = TimelineEntry.objects.filter(incident=down, kind="remediation")
        assert [entry.payload["remediation"] for entry in told] == [r.pk for r in made]

    def test_proposing_again_makes_nothing_new(self, down: Incident):
        fitting("mend")
        propose(down.number)

        assert propose(down.number) == []
        assert Remediation.objects.count() == 1
        assert TimelineEntry.objects.filter(kind="remediation").count() == 1

    def test_for_an_incident_that_is_over_nothing_is_proposed(self, down: Incident):
        fitting("mend")
        lifecycle.transition(down.number, to="resolved", actor="ada")

        assert propose(down.number) == []

    def test_a_runbook_no_exact_plan_can_be_made_of_is_left_out(self, down: Incident, runbook: Any):
        runbook("needs-service")
        fitting("needs-nothing")
        Incident.objects.update(service=None)

        made = propose(down.number)

        assert [r.runbook.name for r in made] == ["needs-nothing"]

    def test_what_a_person_rejected_is_not_proposed_again(self, down: Incident, person: Any):
        fitting("mend")
        [made] = propose(down.number)
        approval.reject(
            made.pk, plan_hash=made.plan_hash, by=person("ada", "approver"), reason="Not now."
        )

        assert propose(down.number) == []

    def test_but_a_person_may_propose_it_again(self, down: Incident, person: Any):
        mend = fitting("mend")
        [made] = propose(down.number)
        ada, bob = person("ada", "approver"), person("bob", "responder")
        approval.reject(made.pk, plan_hash=made.plan_hash, by=ada, reason="Not now.")

        again = planning.draft(down, by_hand(mend, bob), by=bob)

        assert (again.status, again.why, again.requested_by) == ("proposed", "bob chose it.", bob)


class TestPlan:
    def test_the_stored_plan_has_the_hash_one_approves(self, down: Incident):
        fitting("mend")

        [made] = propose(down.number)

        stored = Remediation.objects.get(pk=made.pk)
        assert hash_of(stored.plan) == stored.plan_hash == planning.plan_now(stored).plan_hash

    def test_values_come_from_the_incident_its_service_and_its_first_alert(self, down: Incident):
        Service.objects.update(owner="orders")
        Alert.objects.update(labels={"service": "checkout", "pod": "checkout-7"})
        text = """
name: with-values
risk: low
parameters:
  number: {type: integer, from: incident.number}
  severity: {from: incident.severity}
  owner: {from: service.owner}
  alert: {from: alert.name}
  pod: {from: alert.labels.pod}
steps:
  - action: http_request
    executor: http
    target: /note
    args:
      method: POST
      body: {number: "${number}", severity: "${severity}", owner: "${owner}",
             alert: "${alert}", pod: "${pod}"}
"""
        publish(write_version(text, author=None, reason=""))
        chosen = planning.Candidate(Runbook.objects.get(), 0.0, "")

        made = planning.draft(down, chosen)

        assert made.plan["parameters"] == {
            "number": down.number,
            "severity": "critical",
            "owner": "orders",
            "alert": "ServiceDown",
            "pod": "checkout-7",
        }

    def test_a_value_that_is_not_known_is_refused_by_name(self, down: Incident, runbook: Any):
        made = runbook()
        Incident.objects.update(service=None)

        with pytest.raises(PlanRefused) as caught:
            planning.draft(Incident.objects.get(), planning.Candidate(made, 0.0, ""))

        assert caught.value.problems == {
            "service": "needs a value, and incident.service is not known"
        }

    def test_a_given_value_wins_and_a_foreign_one_is_refused(self, down: Incident, runbook: Any):
        chosen = planning.Candidate(runbook(), 0.0, "")

        with pytest.raises(PlanRefused, match="is not a parameter"):
            planning.draft(down, chosen, parameters={"colour": "red"})
        made = planning.draft(down, chosen, parameters={"service": "payments"})

        assert made.plan["parameters"] == {"service": "payments"}

    def test_a_runbook_that_is_not_published_cannot_be_planned(self, down: Incident):
        mend = fitting("mend")
        [made] = propose(down.number)
        Runbook.objects.update(published=None)

        with pytest.raises(PlanRefused, match="no longer published"):
            planning.plan_now(made)
        mend.refresh_from_db()
        with pytest.raises(PlanRefused, match="not published"):
            planning.draft(down, planning.Candidate(mend, 0.0, ""))

    def test_a_plan_whose_runbook_can_no_longer_be_read_is_refused(self, down: Incident):
        fitting("mend")
        [made] = propose(down.number)
        RunbookVersion.objects.update(text="name: mend\n")

        with pytest.raises(PlanRefused, match="line 1"):
            planning.plan_now(made)

    def test_one_unfinished_plan_of_a_runbook_at_a_time(self, down: Incident):
        chosen = planning.Candidate(fitting("mend"), 0.0, "")
        first = planning.draft(down, chosen)
        execution.start(first)

        with pytest.raises(AlreadyPlanned):
            planning.draft(down, chosen)

        Remediation.objects.update(status="failed")
        assert planning.draft(down, chosen).pk != first.pk


class TestEnd:
    def test_what_waits_is_withdrawn_when_the_incident_is_resolved(
        self, down: Incident, django_capture_on_commit_callbacks: Any
    ):
        fitting("waits")
        fitting("runs")
        waits, runs = propose(down.number)
        execution.start(runs)

        with django_capture_on_commit_callbacks(execute=True):
            lifecycle.transition(down.number, to="resolved", actor="ada")

        waits.refresh_from_db()
        runs.refresh_from_db()
        assert (waits.status, runs.status) == ("expired", "approved")
        assert "resolved before anybody decided" in waits.status_reason

    def test_what_nobody_decided_about_in_time_expires(self, down: Incident):
        fitting("mend")
        [made] = propose(down.number)

        early = planning.expire(made.expires_at - timedelta(seconds=1))
        late = planning.expire(made.expires_at)

        made.refresh_from_db()
        assert (early, late) == (0, 1)
        assert (made.status, made.status_reason) == ("expired", "Nobody decided in time.")
