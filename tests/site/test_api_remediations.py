"""Proposing, deciding, running and stopping over the API."""

from typing import Any

import pytest
import time_machine
from django.utils import timezone

from automation.models import Approval, Execution, OutputLine, Remediation, Runbook
from automation.published import publish, write_version
from incidents.models import Incident
from tests.site import world

pytestmark = pytest.mark.django_db
REMEDIATIONS = "/api/v1/remediations/"


def decide(remediation: Remediation, verb: str, role: str = "approver", **body: Any) -> Any:
    body = {"plan_hash": remediation.plan_hash, **body}
    return world.browser(role).post(f"{REMEDIATIONS}{remediation.pk}/{verb}/", body)


def test_a_remediation_is_told_as_the_contract_says() -> None:
    made = world.remediation()

    told = world.browser("viewer").get(f"{REMEDIATIONS}{made.pk}/").json()

    assert (told["incident"], told["runbook"], told["version"]) == (
        made.incident_id,
        "mend-medium",
        1,
    )
    assert (told["status"], told["risk"], told["targets"]) == ("proposed", "medium", ["/mend"])
    assert (told["plan_hash"], told["requested_by"]) == (made.plan_hash, "responder")
    [step] = told["steps"]
    assert (step["action"], step["executor"], step["target"]) == ("http_request", "http", "/mend")
    assert step["timeout_seconds"] > 0
    assert step["request"]
    assert {"name", "passed", "reason"} == set(told["guardrails"][0])
    assert all(check["passed"] for check in told["guardrails"])


def test_a_list_and_a_detail_say_the_same() -> None:
    made = world.remediation()
    world.run(world.remediation(made.incident, risk="low"))
    client = world.browser("viewer")

    with time_machine.travel(timezone.now(), tick=False):
        rows = client.get(f"{REMEDIATIONS}?status=proposed").json()["results"]
        detail = client.get(f"{REMEDIATIONS}{made.pk}/").json()

    assert rows == [detail]


def test_a_runbook_is_proposed_with_parameters() -> None:
    world.runbook("by-hand")
    number = world.incident().number
    client = world.browser("responder")
    body = {"incident": number, "runbook": "by-hand", "parameters": {"service": "payments"}}

    made = client.post(REMEDIATIONS, body)
    again = client.post(REMEDIATIONS, body)

    assert made.status_code == 201
    assert made.json()["parameters"] == {"service": "payments"}
    assert made.json()["why"] == "responder chose it."
    assert again.status_code == 409


def test_a_plan_that_cannot_be_made_is_refused_by_path() -> None:
    world.runbook("by-hand")
    body = {"incident": world.incident().number, "runbook": "by-hand"}
    body["parameters"] = {"service": "NOT LIKE THAT", "colour": "red"}

    answer = world.browser("responder").post(REMEDIATIONS, body)

    assert answer.status_code == 400
    assert set(answer.json()["problems"]) == {"service", "colour"}


def test_one_yes_makes_one_execution() -> None:
    made = world.remediation()

    told = decide(made, "approve").json()
    again = decide(made, "approve", role="admin")

    assert told["status"] == "approved"
    assert told["execution"] == Execution.objects.get().pk
    assert told["approvals"][0]["by"] == "approver"
    assert again.status_code == 409


def test_a_plan_that_changed_is_a_409_with_the_difference() -> None:
    made = world.remediation()
    text = world.RUNBOOK.format(name="mend-medium", risk="medium").replace("POST", "PUT")
    publish(write_version(text, author=None, reason="changed"))

    answer = decide(made, "approve")

    assert answer.status_code == 409
    assert any("PUT" in line for line in answer.json()["difference"])
    assert answer.json()["plan_hash"] != made.plan_hash
    assert not Execution.objects.exists()


def test_a_token_may_not_approve_nor_break_the_glass() -> None:
    made = world.remediation()
    body = {"plan_hash": made.plan_hash, "break_glass": True, "reason": "now"}

    answer = world.program("admin").post(f"{REMEDIATIONS}{made.pk}/approve/", body)

    assert answer.status_code == 403
    assert "token" in answer.json()["detail"]
    assert not Approval.objects.exists()


def test_a_token_may_pause_but_not_resume() -> None:
    program = world.program("approver")

    paused = program.post("/api/v1/automation/pause/", {"reason": "a release"})
    resumed = program.post("/api/v1/automation/resume/", {})
    shown = world.browser("viewer").get("/api/v1/automation/").json()

    assert (paused.status_code, resumed.status_code) == (200, 403)
    assert (shown["is_paused"], shown["reason"], shown["by"]) == (True, "a release", "approver")
    assert world.browser("approver").post("/api/v1/automation/resume/", {}).json() | {} == (
        world.browser("viewer").get("/api/v1/automation/").json()
    )


def test_who_proposed_a_high_risk_may_not_approve_it() -> None:
    made = world.remediation(risk="high")
    Remediation.objects.update(requested_by=world.person("approver"))

    answer = decide(made, "approve", reason="it is me")

    assert answer.status_code == 403
    assert "somebody else" in answer.json()["detail"]


def test_the_glass_is_broken_by_an_admin_with_a_reason() -> None:
    made = world.remediation(risk="critical")

    without = decide(made, "approve", role="approver", break_glass=True, reason="now")
    broken = decide(made, "approve", role="admin", break_glass=True, reason="it burns")

    assert (without.status_code, broken.status_code) == (403, 200)
    assert broken.json()["approvals"][0]["is_break_glass"]


def test_a_rejection_keeps_its_reason() -> None:
    made = world.remediation()

    told = decide(made, "reject", reason="not at noon").json()

    assert (told["status"], told["status_reason"]) == ("rejected", "not at noon")
    assert told["guardrails"] == []


def test_an_execution_shows_its_steps_and_their_output() -> None:
    run = world.run()
    step = run.steps.get()
    for seq, text in enumerate(("one", "two"), start=1):
        OutputLine.objects.create(execution=run, seq=seq, step=step, at=timezone.now(), text=text)
    client = world.browser("viewer")

    told = client.get(f"/api/v1/executions/{run.pk}/").json()
    lines = client.get(f"/api/v1/executions/{run.pk}/output/?after=1").json()

    assert (told["state"], told["remediation"]) == ("pending", run.remediation_id)
    assert [(s["state"], s["output"]) for s in told["steps"]] == [("pending", ["one", "two"])]
    assert [line["text"] for line in lines["results"]] == ["two"]


def test_an_execution_is_stopped_once_and_not_when_it_is_over() -> None:
    run = world.run()
    url = f"/api/v1/executions/{run.pk}/stop/"
    client = world.browser("responder")

    told = client.post(url, {"how": "kill"}).json()
    Execution.objects.update(state="succeeded")

    assert told["stop_requested"] == "kill"
    assert client.post(url, {"how": "stop"}).status_code == 409
    assert client.post(url, {"how": "maim"}).status_code == 400


def test_a_person_settles_a_step_whose_outcome_is_unknown() -> None:
    run = world.run()
    other = world.run(world.remediation(risk="low")).steps.get()
    step = run.steps.get()
    url = f"/api/v1/executions/{run.pk}/settle/"
    client = world.browser("approver")
    run.steps.update(state="unknown")
    Execution.objects.filter(pk=run.pk).update(state="unknown")

    foreign = client.post(url, {"step": other.pk, "verdict": "done"})
    settled = client.post(url, {"step": step.pk, "verdict": "done"})
    again = client.post(url, {"step": step.pk, "verdict": "done"})

    assert (foreign.status_code, settled.status_code, again.status_code) == (404, 200, 409)
    assert settled.json()["steps"][0]["state"] == "succeeded"


def test_a_runbook_is_written_looked_at_and_published() -> None:
    world.runbook("mend")
    client, url = world.browser("editor"), "/api/v1/runbooks/mend/"
    text = world.RUNBOOK.format(name="mend", risk="high")

    written = client.post(f"{url}versions/", {"text": text, "reason": "it got riskier"})
    before = client.get(url).json()
    plan = client.post(f"{url}preview/", {"version": 2, "parameters": {"service": "shop"}}).json()
    published = client.post(f"{url}publish/", {"version": 2}).json()
    versions = client.get(f"{url}versions/").json()["results"]

    assert (written.status_code, written.json()["number"]) == (201, 2)
    assert (before["published"], published["published"]) == (1, 2)
    assert (plan["risk"], plan["parameters"]) == ("high", {"service": "shop"})
    assert plan["steps"][0]["target"] == "/mend"
    assert [(v["number"], v["is_published"]) for v in versions] == [(2, True), (1, False)]


def test_a_preview_says_which_parameters_it_lacks() -> None:
    world.runbook("mend")

    answer = world.browser("viewer").post("/api/v1/runbooks/mend/preview/", {})

    assert answer.status_code == 400
    assert list(answer.json()["problems"]) == ["service"]


@pytest.mark.parametrize("text", ["", "name: [", "name: other\nrisk: low", "steps: !!python/x y"])
def test_a_text_that_is_no_runbook_is_refused_with_its_lines(text: str) -> None:
    world.runbook("mend")

    answer = world.browser("editor").post("/api/v1/runbooks/mend/versions/", {"text": text})

    assert answer.status_code == 400
    assert answer.json()["errors"]["text"]


def test_a_version_is_posted_to_the_runbook_that_it_names() -> None:
    world.runbook("mend")
    text = world.RUNBOOK.format(name="other", risk="low")
    client = world.browser("editor")

    wrong = client.post("/api/v1/runbooks/mend/versions/", {"text": text})
    right = client.post("/api/v1/runbooks/", {"text": text})

    assert (wrong.status_code, right.status_code) == (400, 201)
    assert Runbook.objects.get(name="other").published is None


def test_a_policy_is_written_as_the_contract_says() -> None:
    world.runbook("mend")
    client = world.browser("editor")
    policy = {
        "name": "heal-checkout",
        "when": {"matchers": ["service=checkout", "severity=~critical|high"]},
        "then": {"runbook": "mend", "parameters": {}},
        "mode": "auto",
        "guardrails": {"cooldown_seconds": 60, "max_per_hour": 6, "window": "always"},
    }

    made = client.post("/api/v1/policies/", policy)
    changed = client.patch("/api/v1/policies/heal-checkout/", {"mode": "suggest"}).json()

    assert made.status_code == 201
    assert {name: made.json()[name] for name in policy} == policy
    assert (made.json()["version"], made.json()["created_by"]) == (1, "editor")
    assert (changed["mode"], changed["version"]) == ("suggest", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"when": {"matchers": ["service=~("]}},
        {"when": {"matchers": []}},
        {"guardrails": {"window": "whenever"}},
        {"guardrails": {"max_per_hour": 0}},
        {"guardrails": {"colour": "red"}},
        {"mode": "always"},
        {"name": "not a slug"},
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(wrong: dict[str, Any]) -> None:
    world.runbook("mend")
    good = {"name": "p", "when": {"matchers": ["a=b"]}, "then": {"runbook": "mend"}}

    answer = world.browser("editor").post("/api/v1/policies/", good | wrong)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(wrong)


def test_a_policy_of_a_runbook_that_is_not_there_is_refused() -> None:
    policy = {"name": "p", "when": {"matchers": ["a=b"]}, "then": {"runbook": "nothing"}}

    answer = world.browser("editor").post("/api/v1/policies/", policy)

    assert answer.status_code == 409
    assert "nothing" in answer.json()["errors"]["then"]["runbook"][0]


def test_read_only_fields_posted_back_have_no_effect() -> None:
    world.runbook("mend")
    good = {"name": "p", "when": {"matchers": ["a=b"]}, "then": {"runbook": "mend"}}
    client = world.browser("editor")
    told = client.post("/api/v1/policies/", good).json()

    client.patch("/api/v1/policies/p/", {"version": 77, "created_by": "admin"})
    again = client.get("/api/v1/policies/p/").json()

    assert (again["version"], again["created_by"]) == (2, told["created_by"])


def test_an_incident_that_is_not_there_gets_no_remediation() -> None:
    world.runbook("mend")
    body = {"incident": 999_999, "runbook": "mend"}

    answer = world.browser("responder").post(REMEDIATIONS, body)

    assert answer.status_code == 409
    assert not Incident.objects.exists()
