import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from automation import approval
from automation.models import Remediation
from automation.views import approvals
from tests.automation.pages_world import a_person, a_plan, an_incident

pytestmark = pytest.mark.django_db


def page(browser, **query):
    return browser.get(reverse("approvals"), query).content.decode()


def listed(html):
    return [int(pk) for pk in re.findall(r'data-row="(\d+)"', html)]


def test_an_empty_inbox_says_so_and_shows_that_the_pipe_is_alive():
    _, browser = a_person("lee", "approver")

    html = page(browser)

    assert "Nothing is waiting for you" in html
    assert "No policy ran anything by itself today." in html


def test_the_first_to_expire_is_on_top_and_chosen():
    later, sooner = a_plan(), a_plan(risk="low", incident=an_incident("store"))
    soon = timezone.now() + timedelta(minutes=2)
    Remediation.objects.filter(pk=sooner.pk).update(expires_at=soon)
    _, browser = a_person("lee", "approver")

    html = page(browser)

    assert listed(html) == [sooner.pk, later.pk]
    assert f'id="plan-{sooner.pk}"' in html


def test_the_own_proposal_of_a_high_risk_waits_for_others():
    lee, browser = a_person("lee", "approver")
    plan = a_plan(risk="high", by=lee)

    assert listed(page(browser)) == []
    assert listed(page(browser, tab="waiting")) == [plan.pk]


def test_what_one_has_approved_waits_for_others():
    plan = a_plan(risk="high")
    lee, browser = a_person("lee", "approver")
    approval.approve(plan.pk, plan_hash=plan.plan_hash, by=lee, reason="needed")

    assert listed(page(browser)) == []
    assert "1 of 2 approvals" in page(browser, tab="waiting")


def test_decided_and_expired_plans_have_tabs_of_their_own():
    rejected = a_plan()
    expired = a_plan(risk="low", incident=an_incident("store"))
    lee, browser = a_person("lee", "approver")
    approval.reject(rejected.pk, plan_hash=rejected.plan_hash, by=lee, reason="Not now")
    Remediation.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

    assert listed(page(browser)) == []
    assert listed(page(browser, tab="decided")) == [rejected.pk]
    assert listed(page(browser, tab="expired")) == [expired.pk]


def test_a_row_leaves_the_list_once_it_is_decided():
    plan = a_plan()
    lee, browser = a_person("lee", "approver")
    url = reverse("approval-row", args=[plan.pk])

    before = browser.get(url)
    approval.reject(plan.pk, plan_hash=plan.plan_hash, by=lee, reason="Not now")
    after = browser.get(url)

    assert (before.status_code, after.status_code) == (200, 404)


def test_several_plans_are_rejected_for_one_reason_except_those_that_changed():
    first, second = a_plan(), a_plan(risk="low", incident=an_incident("store"))
    _, browser = a_person("lee", "approver")
    plans = [f"{first.pk}:{first.plan_hash}", f"{second.pk}:{'0' * 64}"]

    response = browser.post(
        reverse("approvals-reject"), {"plans": plans, "reason": "Maintenance"}, follow=True
    )

    states = dict(Remediation.objects.values_list("pk", "status"))
    assert states == {first.pk: "rejected", second.pk: "proposed"}
    assert "Rejected 1 plan. 1 had changed or been decided" in response.content.decode()


def test_there_is_no_approving_several():
    a_plan()
    _, browser = a_person("lee", "approver")

    assert "Reject several" not in page(browser)
    assert "Approve several" not in page(browser)


def test_a_viewer_reads_the_inbox_but_decides_nothing():
    plan = a_plan()
    _, browser = a_person("vera", "viewer")

    html = page(browser, tab="waiting")

    assert listed(html) == [plan.pk]
    assert 'data-testid="reject"' not in html
    assert browser.post(reverse("approvals-reject"), {}).status_code == 403


def test_a_tab_that_is_not_there_is_not_found():
    _, browser = a_person("lee", "approver")

    assert browser.get(reverse("approvals"), {"tab": "nope"}).status_code == 404


@pytest.mark.parametrize("plan", ["list", "999999", "x", "9" * 40])
def test_any_plan_may_be_asked_for(plan):
    a_plan()
    _, browser = a_person("lee", "approver")

    assert browser.get(reverse("approvals"), {"plan": plan}).status_code == 200


def test_what_one_asked_for_is_a_list_of_its_own_whatever_became_of_it():
    lee, browser = a_person("lee", "approver")
    waiting = a_plan(by=lee)
    over = a_plan(risk="low", by=lee, incident=an_incident("store"))
    a_plan(risk="high", incident=an_incident("payments"))
    approval.reject(over.pk, plan_hash=over.plan_hash, by=lee, reason="Not now")

    html = page(browser, tab="requested")

    assert listed(html) == [over.pk, waiting.pk]
    assert "0 of 1 approvals" in html
    assert 'data-status="rejected"' in html


def test_a_line_is_renewed_as_its_list_shows_it():
    lee, browser = a_person("lee", "approver")
    plan = a_plan(by=lee)
    url = reverse("approval-row", args=[plan.pk])
    approval.reject(plan.pk, plan_hash=plan.plan_hash, by=lee, reason="Not now")

    gone = browser.get(url, {"tab": "waiting"})
    renewed = browser.get(url, {"tab": "requested", "plan": plan.pk}).content.decode()

    assert gone.status_code == 404
    assert 'data-status="rejected"' in renewed
    assert 'aria-current="true"' in renewed


def test_who_rejected_a_plan_is_named_where_the_controls_were():
    plan = a_plan()
    lee, browser = a_person("lee", "approver")
    approval.reject(plan.pk, plan_hash=plan.plan_hash, by=lee, reason="Not now")

    html = page(browser, plan=plan.pk)

    assert "Rejected by lee" in html
    assert "Not now" in html
    assert 'data-testid="approve"' not in html


def test_older_decisions_are_on_further_pages(monkeypatch):
    monkeypatch.setattr(approvals, "PAGE", 1)
    first, second = a_plan(), a_plan(risk="low", incident=an_incident("store"))
    lee, browser = a_person("lee", "approver")
    for plan in (first, second):
        approval.reject(plan.pk, plan_hash=plan.plan_hash, by=lee, reason="Not now")

    newest = page(browser, tab="decided")
    older = page(browser, tab="decided", page=2)

    assert (listed(newest), listed(older)) == ([second.pk], [first.pk])
    assert "?tab=decided&amp;page=2" in newest
    assert f"?tab=decided&amp;page=2&amp;plan={first.pk}" in older
