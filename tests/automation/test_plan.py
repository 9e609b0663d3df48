from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.actions import ACTIONS
from automation.document import load
from automation.plan import (
    ConnectionRef,
    Context,
    PlanRefused,
    SecretRef,
    VersionRef,
    display,
    hash_of,
    render,
)
from automation.plan_difference import difference

RUNBOOK = """\
name: recycle
risk: medium
parameters:
  service: {type: string, pattern: "^[a-z0-9-]+$", from: incident.service}
  note: {type: string, default: "", max_length: 4000}
  count: {type: integer, minimum: 1, maximum: 5, default: 2}
  force: {type: boolean, default: false}
steps:
  - action: restart
    executor: supervisor
    target: ${service}
    timeout_seconds: 60
    retries: 2
  - action: http_request
    executor: http
    target: /hook
    args:
      method: POST
      body: {note: "${note}", list: ["${count}", {force: "${force}"}], token: abc, factor: 2.0}
verify: {}
rollback: []
"""
VERSION = VersionRef(7, "f" * 64)
SUPERVISOR = ConnectionRef("shop", "supervisor", "http://127.0.0.1:9001/RPC2", (SecretRef("p", 1),))
HOOK = ConnectionRef("hook", "http", "https://hook.example/api/")
CONTEXT = Context(
    run_as="automation",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
    values={"incident.service": "checkout"},
    connections={"shop": SUPERVISOR, "hook": HOOK},
    defaults={"supervisor": "shop", "http": "hook"},
    policy_version="3",
)


def plan_of(parameters=None, *, text=RUNBOOK, version=VERSION, context=CONTEXT):
    document, problems = load(text)
    assert document is not None, problems
    return render(document, version, parameters or {}, context)


def test_a_plan_fills_its_parameters_from_the_incident_and_the_defaults():
    plan = plan_of()

    assert plan.parameters == {"service": "checkout", "note": "", "count": 2, "force": False}
    assert plan.targets == ("checkout", "/hook")
    assert plan.steps[0].name == "Restart checkout"
    assert plan.steps[0].request == {"method": "restart", "program": "checkout"}
    assert plan.steps[1].request["url"] == "https://hook.example/api/hook"


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_substituted_byte_for_byte_and_never_splits(text):
    try:
        text.encode()
        storable = "\x00" not in text
    except UnicodeEncodeError:
        storable = False

    if not storable:
        with pytest.raises(PlanRefused):
            plan_of({"note": text})
        return
    plan = plan_of({"note": text})

    expected = {"note": text, "list": [2, {"force": False}], "token": "abc", "factor": 2}
    assert plan.steps[1].request["body"] == expected
    assert len(plan.steps) == 2
    assert plan.steps[0] == plan_of().steps[0]


@pytest.mark.parametrize("text", ["${service}", "${", "{{7*7}}", "a b;rm -rf /", "%(x)s", "{0}"])
def test_what_was_filled_in_is_not_looked_at_again(text):
    assert plan_of({"note": text}).steps[1].request["body"]["note"] == text


@pytest.mark.parametrize(
    ("parameters", "path", "why"),
    [
        ({"service": "a b"}, "service", "must match"),
        ({"service": "checkout\n"}, "service", "must match"),
        ({"service": 5}, "service", "must be text"),
        ({"count": 6}, "count", "must be from 1 to 5"),
        ({"count": True}, "count", "must be a whole number"),
        ({"count": "1.5"}, "count", "must be a whole number"),
        ({"force": "yes"}, "force", "must be true or false"),
        ({"note": "x" * 4001}, "note", "at most 4000"),
        ({"other": 1}, "other", "is not a parameter"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_words(parameters, path, why):
    with pytest.raises(PlanRefused) as refused:
        plan_of(parameters)

    assert why in refused.value.problems[path]


def test_text_from_a_form_becomes_the_declared_type():
    assert plan_of({"count": "3", "force": "true"}).parameters["count"] == 3


def test_a_parameter_whose_source_is_not_known_needs_a_value():
    with pytest.raises(PlanRefused, match=r"needs a value, and incident\.service is not known"):
        plan_of(context=replace(CONTEXT, values={}))


def test_a_path_without_a_connection_is_refused():
    with pytest.raises(PlanRefused, match=r"steps\[1\]\.target: /hook is a path"):
        plan_of(context=replace(CONTEXT, defaults={"supervisor": "shop"}))


def test_a_connection_of_another_executor_is_refused():
    with pytest.raises(PlanRefused, match=r"steps\[0\]\.connection"):
        plan_of(context=replace(CONTEXT, defaults={"supervisor": "hook", "http": "hook"}))


def test_the_same_inputs_give_the_same_hash_fresh_and_stored():
    stored = orjson.loads(orjson.dumps(plan_of().as_json()))

    assert plan_of().plan_hash == plan_of().plan_hash == hash_of(stored)


def with_connection(connection):
    return replace(CONTEXT, connections={**CONTEXT.connections, connection.name: connection})


@pytest.mark.parametrize(
    "change",
    [
        {"version": VersionRef(8, "f" * 64)},
        {"version": VersionRef(7, "e" * 64)},
        {"parameters": {"count": 3}},
        {"parameters": {"service": "payments"}},
        {"text": RUNBOOK.replace("timeout_seconds: 60", "timeout_seconds: 61")},
        {"text": RUNBOOK.replace("retries: 2", "retries: 3")},
        {
            "text": RUNBOOK.replace("retries: 2", "retries: 2\n    idempotent: false", 1).replace(
                "retries: 2", "retries: 0"
            )
        },
        {
            "text": RUNBOOK.replace("risk: medium", "risk: high").replace(
                'default: ""', "enum: [a], default: a"
            )
        },
        {"text": RUNBOOK.replace("method: POST", "method: PUT")},
        {
            "text": RUNBOOK.replace(
                "rollback: []", "rollback:\n  - {action: restart, executor: supervisor, target: a}"
            )
        },
        {"context": replace(CONTEXT, run_as="dana")},
        {"context": replace(CONTEXT, policy_version="4")},
        {"context": replace(CONTEXT, policy_version=None)},
        {"context": replace(CONTEXT, what_if="12")},
        {"context": replace(CONTEXT, expires_at=datetime(2030, 1, 1, 0, 0, 1, tzinfo=UTC))},
        {"context": with_connection(replace(SUPERVISOR, url="http://127.0.0.1:9002/RPC2"))},
        {"context": with_connection(replace(SUPERVISOR, secrets=(SecretRef("p", 2),)))},
        {"context": with_connection(replace(SUPERVISOR, secrets=(SecretRef("q", 1),)))},
    ],
)
def test_changing_any_one_thing_that_was_approved_changes_the_hash(change):
    assert plan_of(**change).plan_hash != plan_of().plan_hash
    assert difference(plan_of().as_json(), plan_of(**change).as_json())


def test_a_newer_version_of_an_action_changes_the_hash(monkeypatch):
    before = plan_of()

    monkeypatch.setattr(ACTIONS["restart"], "version", 2)

    assert plan_of().plan_hash != before.plan_hash


def test_the_difference_says_what_was_and_what_is():
    old, new = plan_of().as_json(), plan_of({"service": "payments"}).as_json()

    words = [change.in_words() for change in difference(old, new)]

    assert 'steps[0].target: was "checkout", is now "payments"' in words
    assert difference(old, old) == []


def test_the_difference_names_steps_that_came_and_went():
    longer = RUNBOOK.replace(
        "verify: {}", "  - {action: restart, executor: supervisor, target: store}\nverify: {}"
    )
    old, new = plan_of().as_json(), plan_of(text=longer).as_json()

    added = [change for change in difference(old, new) if change.path == "steps[2]"]
    removed = [change for change in difference(new, old) if change.path == "steps[2]"]

    assert added[0].before is None
    assert "was added" in added[0].in_words()
    assert "was removed" in removed[0].in_words()


def test_the_steps_are_shown_without_secrets():
    shown = display(plan_of().as_json())

    assert shown[0]["target"] == "checkout"
    assert shown[0]["request"] == {"method": "restart", "program": "checkout"}
    assert shown[1]["request"]["body"]["token"] == "••••"
    assert "abc" not in str(shown)
