from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from automation.guardrails import pause_reason
from automation.models import HealingPolicy, PolicyDecision
from incidents.models import Incident
from tests.automation.pages_world import (
    a_person,
    an_incident,
    connect_supervisor,
    publish_runbook,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def editor():
    publish_runbook()
    return a_person("edie", "editor")[1]


def filled(**changes):
    fields = {
        "name": "heal-checkout",
        "matchers": "service=checkout\nseverity=~critical|high",
        "runbook": "restart",
        "mode": "suggest",
        "is_enabled": "on",
        "cooldown_seconds": "60",
    }
    return fields | changes


def create(browser, **changes):
    return browser.post(reverse("policy-new"), filled(**changes))


def test_a_policy_is_written_in_the_browser(editor):
    response = create(editor, **{"p-mode": "hard"})

    policy = HealingPolicy.objects.get()
    assert response["Location"] == reverse("policies")
    assert policy.matchers == ["service=checkout", "severity=~critical|high"]
    assert policy.parameters == {"mode": "hard"}
    assert policy.guardrails == {"cooldown_seconds": 60}
    assert (policy.version, policy.created_by.username) == (1, "edie")


def test_each_save_is_a_new_version(editor):
    create(editor)
    policy = HealingPolicy.objects.get()
    url = reverse("policy", args=[policy.pk])

    editor.post(url, filled(mode="auto", seen_version="1"))

    policy.refresh_from_db()
    assert (policy.mode, policy.version) == ("auto", 2)


def test_a_policy_somebody_else_saved_meanwhile_is_not_overwritten(editor):
    create(editor)
    policy = HealingPolicy.objects.get()
    url = reverse("policy", args=[policy.pk])
    editor.post(url, filled(mode="observe", seen_version="1"))

    response = editor.post(url, filled(mode="auto", seen_version="1"))

    policy.refresh_from_db()
    assert response.status_code == 422
    assert "Somebody else saved v2 meanwhile." in response.content.decode()
    assert policy.mode == "observe"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"matchers": "checkout"}, "is not a matcher"),
        ({"matchers": " \n "}, "This field is required."),
        ({"matchers": "service=~("}, "cannot be used"),
        ({"runbook": "unknown"}, "Select a valid choice"),
        ({"max_per_hour": "0"}, "greater than or equal to 1"),
        ({"window": "sometimes"}, "is neither"),
        ({"p-mode": "wild"}, "It must be one of soft, hard."),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(editor, changes, words):
    response = create(editor, **changes)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not HealingPolicy.objects.exists()


def test_a_high_risk_never_runs_by_itself(editor):
    publish_runbook("failover", risk="high")

    response = create(editor, mode="auto", runbook="failover")

    assert "failover is of high risk; only low and medium run" in response.content.decode()
    assert not HealingPolicy.objects.exists()


def test_a_reader_sees_a_policy_but_cannot_save_it(editor):
    create(editor)
    policy = HealingPolicy.objects.get()
    _, viewer = a_person("vera", "viewer")
    url = reverse("policy", args=[policy.pk])

    html = viewer.get(url).content.decode()

    assert "Changing policies needs the role editor." in html
    assert viewer.post(url, filled(seen_version="1")).status_code == 403
    assert viewer.get(reverse("policy-new")).status_code == 403


def test_the_page_counts_what_a_policy_would_have_matched(editor):
    an_incident("checkout")
    an_incident("store")
    url = reverse("policy-matching")

    one = editor.get(url, {"matchers": "service=checkout"}).content.decode()
    both = editor.get(url, {"matchers": "alertname=ServiceDown"}).content.decode()
    wrong = editor.get(url, {"matchers": "service"}).content.decode()

    assert "Would have matched <b>1</b> incident in the last 7 days" in one
    assert "<b>2</b> incidents" in both
    assert "is not a matcher" in wrong


def test_the_fields_of_the_chosen_runbook_are_given(editor):
    url = reverse("policy-parameters")

    chosen = editor.get(url, {"runbook": "restart"}).content.decode()
    none = editor.get(url, {"runbook": ""}).content.decode()

    assert 'name="p-service"' in chosen
    assert "Choose a runbook" in none


def test_the_list_says_what_policies_did_and_why(editor):
    create(editor)
    PolicyDecision.objects.create(
        policy=HealingPolicy.objects.get(),
        incident=an_incident(),
        outcome="held_back",
        reason="checkout cools down for 20 more seconds.",
        at=timezone.now(),
    )

    html = editor.get(reverse("policies")).content.decode()

    assert "1 held back, 0 observed" in html
    assert "checkout cools down for 20 more seconds." in html


def test_pausing_needs_a_reason_and_is_shown_on_every_page():
    _, browser = a_person("rob", "responder")

    browser.post(reverse("automation-pause"), {"reason": " "})
    before = pause_reason()
    browser.post(reverse("automation-pause"), {"reason": "Data centre move"})
    html = browser.get(reverse("approvals")).content.decode()

    assert before is None
    assert pause_reason() == "Data centre move"
    assert "Automation is paused." in html


def test_only_those_with_the_permission_resume():
    _, responder = a_person("rob", "responder")
    _, approver = a_person("lee", "approver")
    responder.post(reverse("automation-pause"), {"reason": "Move"})

    refused = responder.post(reverse("automation-resume"))
    html = responder.get(reverse("policies")).content.decode()
    approver.post(reverse("automation-resume"))

    assert refused.status_code == 403
    assert "Resuming needs the role approver." in html
    assert pause_reason() is None


def test_a_typed_policy_is_tested_before_it_is_saved(editor):
    connect_supervisor()
    an_incident()
    an_incident("store")
    fields = {"matchers": "service=checkout", "runbook": "restart", "cooldown_seconds": "60"}

    html = editor.get(reverse("policy-backtest"), fields).content.decode()

    assert "It would have matched <b>1</b> incident." in html
    assert "it would have run <b>1</b> time" in html
    assert "1 in 30 days: 1 would have run" in html
    assert not HealingPolicy.objects.exists()


def test_a_saved_policy_is_tested_as_it_is_saved(editor):
    connect_supervisor()
    create(editor, window="daily 03:00-04:00", mode="observe")
    policy = HealingPolicy.objects.get()
    an_incident()
    Incident.objects.update(opened_at=NOON)

    with time_machine.travel(NOON, tick=False):
        html = editor.get(reverse("policy-backtest"), {"policy": policy.pk}).content.decode()

    assert "Closed until Sat 21 Nov 03:00 UTC." in html
    assert "Change window" in html
    assert "As it is saved it observes" in html


def test_a_backtest_says_what_it_cannot_know(editor):
    create(editor)

    html = editor.get(
        reverse("policy-backtest"), {"policy": HealingPolicy.objects.get().pk}
    ).content.decode()

    assert "Nothing would have matched" in html
    assert "Whether the runbook would have worked." in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"matchers": "checkout"}, "is not a matcher"),
        ({"runbook": ""}, "Runbook: This field is required."),
        ({"p-mode": "wild"}, "mode: It must be one of soft, hard."),
        ({"window": "sometimes"}, "Window: "),
    ],
)
def test_a_backtest_of_what_does_not_fit_says_what_is_wrong(editor, changes, words):
    html = editor.get(reverse("policy-backtest"), filled(**changes)).content.decode()

    assert "Nothing could be tested." in html
    assert words in html


@pytest.mark.parametrize("policy", ["", "0", "x", "9" * 40])
def test_a_backtest_of_no_policy_is_not_found(editor, policy):
    assert editor.get(reverse("policy-backtest"), {"policy": policy}).status_code == 404


def test_automation_can_be_paused_from_the_page_of_a_policy(editor):
    create(editor)
    page = reverse("policy", args=[HealingPolicy.objects.get().pk])
    _, responder = a_person("rob", "responder")

    before = responder.get(page).content.decode()
    response = responder.post(reverse("automation-pause"), {"reason": "Move", "next": page})

    assert "Pause all automation" in before
    assert response["Location"] == page
    assert "Resuming needs the role approver." in responder.get(page).content.decode()
