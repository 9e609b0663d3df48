from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from automation import approval, planning
from automation.approval import HeldBack, MayNot, PlanChanged
from automation.models import Connection, Execution, HealingPolicy, Remediation, Runbook
from incidents.models import TimelineEntry
from telemetry.models import Service

pytestmark = pytest.mark.django_db


def publish_another(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    runbook(paths=("mend", "more"))


def change_parameter(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    remediation.parameters = {"service": "payments"}
    remediation.save()


def change_target(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    Connection.objects.update(url="http://127.0.0.1:9")


def renew_secret(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    Connection.objects.update(secret="gAAAA", secret_version=2)


def change_cause(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    remediation.incident.service = Service.objects.create(slug="payments")
    remediation.incident.save()


def bind_policy(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    remediation.policy = HealingPolicy.objects.create(
        name="heal", matchers=["service=checkout"], runbook=remediation.runbook
    )
    remediation.save()


def prolong(remediation: Remediation, runbook: Callable[..., Runbook]) -> None:
    remediation.expires_at += timedelta(hours=1)
    remediation.save()


CHANGES = [
    publish_another,
    change_parameter,
    change_target,
    renew_secret,
    change_cause,
    bind_policy,
    prolong,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_plan_that_changed_after_it_was_shown_is_not_run(
    proposal: Any, runbook: Any, person: Any, world: Any, change: Any
):
    remediation = proposal()
    shown = remediation.plan_hash
    change(remediation, runbook)

    with pytest.raises(PlanChanged) as caught:
        approval.approve(remediation.pk, plan_hash=shown, by=person("ada", "approver"))

    remediation.refresh_from_db()
    assert caught.value.difference
    assert caught.value.plan_hash == remediation.plan_hash != shown
    assert remediation.status == "proposed"
    assert not Execution.objects.exists()
    assert world.seen == []


def test_the_changed_plan_can_be_approved_once_it_has_been_shown(
    proposal: Any, runbook: Any, person: Any
):
    remediation = proposal()
    publish_another(remediation, runbook)
    ada = person("ada", "approver")
    with pytest.raises(PlanChanged) as caught:
        approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=ada)

    approved = approval.approve(remediation.pk, plan_hash=caught.value.plan_hash, by=ada)

    assert approved.status == "approved"
    assert approved.execution.steps.count() == 2


def test_the_hash_of_another_incidents_plan_approves_nothing(proposal: Any, person: Any):
    first = proposal("checkout")
    second = proposal("payments")

    with pytest.raises(PlanChanged):
        approval.approve(first.pk, plan_hash=second.plan_hash, by=person("ada", "approver"))

    assert not Execution.objects.exists()


def test_an_approval_twice_gives_one_execution(proposal: Any, person: Any):
    remediation = proposal()
    ada = person("ada", "approver")
    approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=ada)

    with pytest.raises((HeldBack, MayNot)):
        approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=ada)

    assert Execution.objects.count() == 1


def test_an_expired_plan_is_not_run(proposal: Any, person: Any):
    remediation = proposal()
    late = timezone.now() - timedelta(minutes=1)
    Remediation.objects.update(expires_at=late)
    plan = planning.plan_now(Remediation.objects.get())
    planning.refresh(Remediation.objects.get(), plan)

    with pytest.raises(HeldBack, match="expired"):
        approval.approve(remediation.pk, plan_hash=plan.plan_hash, by=person("ada", "approver"))


def test_overdue_plans_expire_and_free_the_runbook_for_a_new_one(proposal: Any):
    remediation = proposal()

    planning.expire(timezone.now() + timedelta(hours=1))

    remediation.refresh_from_db()
    assert remediation.status == "expired"
    assert planning.propose(remediation.incident_id)[0].pk != remediation.pk


def test_a_rejection_needs_a_reason_and_is_told(proposal: Any, person: Any):
    remediation = proposal()
    ada = person("ada", "approver")
    decide = {"plan_hash": remediation.plan_hash, "by": ada}

    with pytest.raises(MayNot):
        approval.reject(remediation.pk, reason=" ", **decide)
    approval.reject(remediation.pk, reason="Wrong service.", **decide)

    remediation.refresh_from_db()
    assert remediation.status == "rejected"
    assert TimelineEntry.objects.filter(kind="approval", text__contains="Wrong service.").exists()


@pytest.mark.parametrize("role", ["viewer", "responder", "editor"])
def test_who_is_no_approver_may_not_reject(proposal: Any, person: Any, role: str):
    remediation = proposal()
    decide = {"plan_hash": remediation.plan_hash, "by": person("bob", role), "reason": "No."}

    with pytest.raises(MayNot, match="approver"):
        approval.reject(remediation.pk, **decide)

    assert not remediation.approvals.exists()


def test_a_plan_somebody_has_approved_can_no_longer_be_withdrawn(proposal: Any, person: Any):
    remediation = proposal(risk="high")
    rex = person("rex", "responder")
    Remediation.objects.update(requested_by=rex)
    take_back = {"plan_hash": remediation.plan_hash, "by": rex, "reason": "Not needed."}
    approval.approve(
        remediation.pk,
        plan_hash=remediation.plan_hash,
        by=person("ada", "approver"),
        reason="It is down.",
    )

    with pytest.raises(HeldBack, match="approved"):
        approval.withdraw(remediation.pk, **take_back)


def test_only_who_proposed_a_plan_may_withdraw_it(proposal: Any, person: Any):
    remediation = proposal()
    Remediation.objects.update(requested_by=person("bea", "approver"))

    with pytest.raises(MayNot, match="proposed"):
        approval.withdraw(
            remediation.pk,
            plan_hash=remediation.plan_hash,
            by=person("rex", "responder"),
            reason="Not needed.",
        )


@pytest.mark.parametrize("role", ["viewer", "responder", "editor"])
def test_who_is_no_approver_may_not(proposal: Any, person: Any, role: str):
    remediation = proposal()

    with pytest.raises(MayNot, match="approver"):
        approval.approve(remediation.pk, plan_hash=remediation.plan_hash, by=person("bob", role))


class TestHighRisk:
    def test_two_different_people_have_to_say_yes(self, proposal: Any, person: Any):
        remediation = proposal(risk="high")
        ada, bob = person("ada", "approver"), person("bob", "approver")
        decide = {"plan_hash": remediation.plan_hash, "reason": "It is down."}

        first = approval.approve(remediation.pk, by=ada, **decide)
        assert first.status == "proposed"
        with pytest.raises(MayNot, match="already"):
            approval.approve(remediation.pk, by=ada, **decide)
        second = approval.approve(remediation.pk, by=bob, **decide)

        assert second.status == "approved"

    def test_it_needs_a_reason(self, proposal: Any, person: Any):
        remediation = proposal(risk="high")

        with pytest.raises(MayNot, match="reason"):
            approval.approve(
                remediation.pk, plan_hash=remediation.plan_hash, by=person("ada", "approver")
            )

    def test_who_proposed_it_or_wrote_it_does_not_count(self, proposal: Any, person: Any):
        author = person("eve", "approver", "editor")
        remediation = proposal(risk="high", author=author)
        requester = person("rex", "approver")
        Remediation.objects.update(requested_by=requester)

        for who in (author, requester):
            with pytest.raises(MayNot, match="somebody else"):
                approval.approve(
                    remediation.pk, plan_hash=remediation.plan_hash, by=who, reason="Now."
                )

    def test_a_superuser_is_nothing_special(self, proposal: Any):
        remediation = proposal(risk="high")
        root = User.objects.create_superuser("root")

        done = approval.approve(
            remediation.pk, plan_hash=remediation.plan_hash, by=root, reason="Now."
        )

        assert done.status == "proposed"

    def test_breaking_the_glass_needs_an_administrator_and_a_reason(
        self, proposal: Any, person: Any
    ):
        remediation = proposal(risk="high")
        decide = {"plan_hash": remediation.plan_hash, "is_break_glass": True}

        with pytest.raises(MayNot):
            approval.approve(remediation.pk, by=person("ada", "approver"), reason="Now.", **decide)
        admin = person("root", "admin")
        with pytest.raises(MayNot):
            approval.approve(remediation.pk, by=admin, **decide)
        done = approval.approve(remediation.pk, by=admin, reason="Nobody else is awake.", **decide)

        assert done.status == "approved"
        assert done.approvals.get().is_break_glass


def test_a_cooldown_stands_against_the_next_run_of_the_same_target(proposal: Any, person: Any):
    ada = person("ada", "approver")
    first = proposal(cooldown=300)
    approval.approve(first.pk, plan_hash=first.plan_hash, by=ada)
    Execution.objects.update(started_at=timezone.now(), state="succeeded")
    Remediation.objects.update(status="succeeded")
    [again] = planning.propose(first.incident_id)

    with pytest.raises(HeldBack, match="cools down"):
        approval.approve(again.pk, plan_hash=again.plan_hash, by=ada)
