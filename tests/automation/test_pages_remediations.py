import re

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from automation import approval, claiming, execution
from automation.models import Approval, Execution, Remediation, StepRun
from automation.published import publish, write_version
from tests.automation.pages_world import a_person, a_plan, an_incident, publish_runbook, text_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def post(browser, name, *args, headers=None, **fields):
    return browser.post(reverse(name, args=args), fields, headers=headers)


def approve(browser, plan, *, headers=None, **fields):
    fields = {"plan_hash": plan.plan_hash, **fields}
    return post(browser, "remediation-approve", plan.pk, headers=headers, **fields)


def card(browser, plan):
    response = browser.get(reverse("remediation", args=[plan.pk]), headers=HTMX)
    return response.content.decode()


def test_the_card_shows_the_exact_request_and_the_plan_it_approves():
    plan = a_plan()
    _, browser = a_person("lee", "approver")

    html = card(browser, plan)

    assert "Waiting for your approval" in html
    assert "supervisor restart checkout" in html
    assert f"I approve plan {plan.plan_hash[:8]}" in html
    assert "7 of 7 pass" in html


def test_a_person_without_the_role_sees_the_button_disabled_and_why():
    plan = a_plan()
    _, browser = a_person("vera", "viewer")

    html = card(browser, plan)

    assert re.search(r'aria-disabled="true" aria-describedby="why-', html)
    assert "Approving needs the role approver." in html
    assert approve(browser, plan).status_code == 403


def test_approving_starts_exactly_one_execution():
    plan = a_plan()
    _, browser = a_person("lee", "approver")

    first = approve(browser, plan, headers=HTMX)
    second = approve(browser, plan, headers=HTMX)

    assert (first.status_code, second.status_code) == (200, 409)
    assert "Approved, starting" in first.content.decode()
    assert Execution.objects.filter(remediation=plan).count() == 1


def test_without_scripts_approving_goes_on_to_the_page_that_was_asked_for():
    plan = a_plan()
    _, browser = a_person("lee", "approver")

    response = approve(browser, plan, next="/approvals/")

    assert (response.status_code, response["Location"]) == (302, "/approvals/")


def test_a_next_page_elsewhere_is_not_followed():
    plan = a_plan()
    _, browser = a_person("lee", "approver")

    response = approve(browser, plan, next="https://evil.example/")

    assert response["Location"] == reverse("remediation", args=[plan.pk])


@pytest.mark.parametrize("headers", [HTMX, None])
def test_a_plan_that_changed_is_not_run_but_shown_anew_with_the_difference(headers):
    plan = a_plan()
    _, browser = a_person("lee", "approver")
    publish(write_version(text_of("restart-medium", seconds=90), author=None, reason="Longer"))

    response = approve(browser, plan, headers=headers)

    html = response.content.decode()
    renewed = Remediation.objects.get(pk=plan.pk)
    assert response.status_code == 409
    assert "The plan changed since you opened it." in html
    assert "steps[0].timeout_seconds: was 60, is now 90" in html
    assert "The runbook is now v2: Longer" in html
    assert renewed.plan_hash != plan.plan_hash
    assert f"I approve plan {renewed.plan_hash[:8]}" in html
    assert not Execution.objects.exists()


def test_the_card_that_says_what_changed_is_not_drawn_over_by_the_next_poke():
    plan = a_plan()
    _, browser = a_person("lee", "approver")
    publish(write_version(text_of("restart-medium", seconds=90), author=None, reason="Longer"))

    html = approve(browser, plan, headers=HTMX).content.decode()

    seen = re.search(r'name="seen" value="([0-9a-f]+)"', html)[1]
    poked = browser.get(reverse("remediation", args=[plan.pk]), {"seen": seen}, headers=HTMX)
    assert poked.status_code == 204


def test_a_guardrail_that_does_not_pass_disables_the_button_and_says_why(run):
    plan = a_plan(incident=an_incident())
    _, browser = a_person("kim", "approver")

    html = card(browser, plan)

    assert re.search(r"checkout cools down for \d+ more seconds\.</p>", html)
    assert "6 of 7 pass" in html
    assert approve(browser, plan, headers=HTMX).status_code == 409


def test_a_high_risk_needs_the_target_typed():
    plan = a_plan(risk="high")
    _, browser = a_person("lee", "approver")

    response = approve(browser, plan, reason="needed", confirm="store")

    assert response.status_code == 409
    assert "Type checkout to confirm the target." in response.content.decode()
    assert not Approval.objects.exists()


def test_a_high_risk_runs_after_the_second_persons_approval():
    plan = a_plan(risk="high")
    _, lee = a_person("lee", "approver")
    _, kim = a_person("kim", "approver")

    approve(lee, plan, reason="needed", confirm="checkout")
    waiting = card(lee, plan)
    wanted = card(kim, plan)
    approve(kim, plan, reason="agreed", confirm="checkout")

    assert "Needs a second person" in waiting
    assert "Second approval needed" in wanted
    assert Execution.objects.filter(remediation=plan).count() == 1


def test_an_administrator_may_break_the_glass_with_a_reason():
    plan = a_plan(risk="critical")
    _, browser = a_person("dana", "admin")
    fields = {"is_break_glass": "yes", "confirm": "checkout"}

    without = approve(browser, plan, **fields)
    with_reason = approve(browser, plan, reason="Nobody else is awake", **fields)

    assert (without.status_code, with_reason.status_code) == (409, 302)
    assert Approval.objects.get().is_break_glass


def test_the_glass_is_not_offered_to_those_who_may_not_break_it():
    plan = a_plan(risk="critical")
    _, browser = a_person("lee", "approver")

    assert "Break the glass" not in card(browser, plan)


def test_a_rejection_needs_a_reason():
    plan = a_plan()
    _, browser = a_person("lee", "approver")

    without = post(browser, "remediation-reject", plan.pk, plan_hash=plan.plan_hash)
    post(browser, "remediation-reject", plan.pk, plan_hash=plan.plan_hash, reason="Not now")

    assert without.status_code == 409
    assert Remediation.objects.get(pk=plan.pk).status_reason == "Not now"


def test_the_part_of_the_incident_page_answers_nothing_while_nothing_changed():
    plan = a_plan()
    _, browser = a_person("lee", "approver")
    url = reverse("incident-remediations", args=[plan.incident_id])
    html = browser.get(url, headers=HTMX).content.decode()
    drawn = dict(re.findall(r'name="(seen|rest)" value="([0-9a-f]+)"', html))

    same = browser.get(url, drawn, headers=HTMX)
    approve(browser, plan)
    changed = browser.get(url, drawn, headers=HTMX)

    assert (same.status_code, changed.status_code) == (204, 200)


def test_the_tag_shows_nothing_to_those_who_may_not_see_remediations(django_user_model):
    plan = a_plan()
    request = RequestFactory().get("/")
    request.user = django_user_model.objects.create_user("nobody")
    template = Template("{% load remediations %}{% remediation_cards incident %}")

    html = template.render(Context({"request": request, "incident": plan.incident}))

    assert html.strip() == ""


def test_an_incident_without_a_plan_offers_to_propose_one():
    incident = an_incident()
    _, browser = a_person("rob", "responder")

    html = browser.get(reverse("incident-remediations", args=[incident.pk])).content.decode()

    assert "No remediation yet" in html
    assert reverse("propose-remediation", args=[incident.pk]) in html


def test_names_from_outside_are_shown_as_text():
    plan = a_plan()
    Remediation.objects.filter(pk=plan.pk).update(title="<script>alert(1)</script>")
    _, browser = a_person("lee", "approver")

    html = card(browser, plan)

    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_proposing_shows_the_exact_plan_before_it_is_made():
    plan = a_plan()
    other = an_incident("store")
    _, browser = a_person("rob", "responder")
    url = reverse("propose-remediation", args=[other.pk])

    response = browser.post(url, {"runbook": plan.runbook.name, "preview": "yes"})

    assert "supervisor restart store" in response.content.decode()
    assert not other.remediations.exists()


def test_proposing_makes_a_plan_that_waits():
    plan = a_plan()
    other = an_incident("store")
    person, browser = a_person("rob", "responder")
    url = reverse("propose-remediation", args=[other.pk])

    browser.post(url, {"runbook": plan.runbook.name, "p-mode": "hard"})

    made = other.remediations.get()
    assert made.requested_by == person
    assert made.plan["parameters"] == {"service": "store", "mode": "hard"}


def test_a_parameter_that_does_not_fit_is_refused_beside_its_field():
    plan = a_plan()
    other = an_incident("store")
    _, browser = a_person("rob", "responder")
    url = reverse("propose-remediation", args=[other.pk])

    response = browser.post(url, {"runbook": plan.runbook.name, "p-service": "rm -rf /"})

    assert response.status_code == 422
    assert "It must match ^[a-z0-9-]+$." in response.content.decode()


def test_editing_ones_own_plan_withdraws_it_without_a_decision():
    rob, browser = a_person("rob", "responder")
    plan = a_plan(by=rob)
    url = reverse("propose-remediation", args=[plan.incident_id])

    browser.post(url, {"runbook": plan.runbook.name, "replaces": plan.pk, "p-service": "store"})

    plan.refresh_from_db()
    new = Remediation.objects.exclude(pk=plan.pk).get()
    assert (plan.status, plan.status_reason) == ("expired", approval.REPLACED)
    assert not Approval.objects.exists()
    assert new.plan["targets"] == ["store"]


def test_who_may_reject_may_replace_another_persons_plan():
    rob, _ = a_person("rob", "responder")
    plan = a_plan(by=rob)
    dana, browser = a_person("dana", "admin")
    url = reverse("propose-remediation", args=[plan.incident_id])

    browser.post(url, {"runbook": plan.runbook.name, "replaces": plan.pk, "p-service": "store"})

    decision = Approval.objects.get()
    assert (decision.by, decision.decision, decision.remediation) == (dana, "rejected", plan)


def test_a_responder_replaces_no_plan_of_somebody_else():
    bea, _ = a_person("bea", "responder")
    plan = a_plan(by=bea)
    _, browser = a_person("rob", "responder")
    url = reverse("propose-remediation", args=[plan.incident_id])
    fields = {"runbook": plan.runbook.name, "replaces": plan.pk, "p-service": "store"}

    response = browser.post(url, fields)

    assert response.status_code == 403
    assert Remediation.objects.get().status == Remediation.Status.PROPOSED
    assert "Edit parameters" not in card(browser, plan)


def test_a_plan_is_not_replaced_by_one_of_another_runbook():
    rob, browser = a_person("rob", "responder")
    plan = a_plan(by=rob)
    other = publish_runbook("other")
    url = reverse("propose-remediation", args=[plan.incident_id])

    response = browser.post(url, {"runbook": other.name, "replaces": plan.pk})

    assert response.status_code == 404
    assert Remediation.objects.get().status == Remediation.Status.PROPOSED


@pytest.mark.parametrize("replaces", ["9" * 5000, "9" * 18, "x", "-1"])
def test_a_plan_that_can_not_be_is_not_found(replaces):
    runbook = publish_runbook()
    _, browser = a_person("rob", "responder")
    url = reverse("propose-remediation", args=[an_incident().pk])

    response = browser.post(url, {"runbook": runbook.name, "replaces": replaces})

    assert response.status_code == 404


def test_a_runbook_name_no_database_can_hold_is_refused():
    incident = an_incident()
    _, browser = a_person("rob", "responder")
    url = reverse("propose-remediation", args=[incident.pk])

    assert browser.get(url, {"runbook": "rest\0art"}).status_code == 400


def test_a_replacement_that_cannot_be_made_leaves_the_old_plan_waiting():
    rob, browser = a_person("rob", "responder")
    plan = a_plan(by=rob)
    url = reverse("propose-remediation", args=[plan.incident_id])

    browser.post(url, {"runbook": plan.runbook.name, "replaces": plan.pk, "p-mode": "wild"})

    assert Remediation.objects.get(pk=plan.pk).status == Remediation.Status.PROPOSED


@pytest.fixture
def run():
    """An execution that a worker has begun."""
    plan = a_plan()
    lee, _ = a_person("lee", "approver")
    approval.approve(plan.pk, plan_hash=plan.plan_hash, by=lee)
    claimed = claiming.claim(plan.execution.pk)
    step = claimed.steps.first()
    execution.begin_step(claimed, step)
    execution.print_lines(claimed, step, ["stopping checkout", "starting <b>checkout</b>"])
    return claimed


def test_a_run_shows_its_output_and_what_is_watched(run):
    _, browser = a_person("rob", "responder")

    html = browser.get(reverse("execution", args=[run.pk])).content.decode()

    assert "stopping checkout\nstarting &lt;b&gt;checkout&lt;/b&gt;\n" in html
    assert "ServiceDown</b> on checkout" in html
    assert "Stop after this step" in html
    assert f'data-after="{Execution.objects.get(pk=run.pk).last_seq}"' in html


def test_a_run_can_be_stopped_and_then_killed(run):
    _, browser = a_person("rob", "responder")

    post(browser, "execution-stop", run.pk, how="stop")
    html = post(browser, "execution-stop", run.pk, how="kill", headers=HTMX).content.decode()

    assert Execution.objects.get(pk=run.pk).stop_requested == "kill"
    assert "Asked to kill it." in html
    assert 'value="kill"' not in html


def test_a_viewer_may_not_stop_a_run(run):
    _, browser = a_person("vera", "viewer")

    assert post(browser, "execution-stop", run.pk, how="stop").status_code == 403
    assert "Stop after this step" not in card(browser, run.remediation)


def test_a_run_that_has_ended_cannot_be_stopped(run):
    execution.finish(run.pk, Execution.State.SUCCEEDED, "Done.")
    _, browser = a_person("rob", "responder")

    response = post(browser, "execution-stop", run.pk, how="stop", headers=HTMX)

    assert response.status_code == 409
    assert "nothing to stop" in response.content.decode()


@pytest.fixture
def unknown(run):
    execution.end_step(run, run.steps.first(), StepRun.State.UNKNOWN, "The answer was lost.")
    execution.finish(run.pk, Execution.State.UNKNOWN, "Look before going on.")
    return run


def test_an_unknown_outcome_asks_a_person_what_happened(unknown):
    _, browser = a_person("kim", "approver")

    html = card(browser, unknown.remediation)

    assert "Outcome unknown" in html
    assert "may or may not have happened." in html
    assert all(words in html for words in ("Mark done", "Mark not done", "Give up"))


@pytest.mark.parametrize(
    ("verdict", "step_state", "state"),
    [
        ("done", StepRun.State.SUCCEEDED, Execution.State.RUNNING),
        ("not_done", StepRun.State.PENDING, Execution.State.RUNNING),
        ("give_up", StepRun.State.FAILED, Execution.State.FAILED),
    ],
)
def test_what_a_person_found_settles_the_step(unknown, verdict, step_state, state):
    _, browser = a_person("kim", "approver")
    step = unknown.steps.first()

    post(browser, "execution-settle", unknown.pk, step.pk, verdict=verdict)

    step.refresh_from_db()
    assert (step.state, Execution.objects.get(pk=unknown.pk).state) == (step_state, state)


def test_a_step_is_settled_once(unknown):
    _, browser = a_person("kim", "approver")
    step = unknown.steps.first()
    post(browser, "execution-settle", unknown.pk, step.pk, verdict="give_up")

    again = post(browser, "execution-settle", unknown.pk, step.pk, verdict="done", headers=HTMX)

    assert again.status_code == 409


def test_an_expired_plan_cannot_be_approved_and_says_so():
    plan = a_plan()
    Remediation.objects.filter(pk=plan.pk).update(expires_at=timezone.now())
    _, browser = a_person("lee", "approver")

    html = card(browser, plan)

    assert "The plan has expired; propose it again." in html
    assert approve(browser, plan).status_code == 409
