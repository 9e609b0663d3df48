from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.document import json_schema, load

STARTERS = sorted(Path("automation/runbooks").glob("*.yaml"))
RUNBOOK = """\
name: restart-service
risk: medium
parameters:
  service: {type: string, pattern: "^[a-z0-9-]+$", from: incident.service}
steps:
  - action: restart
    executor: supervisor
    target: ${service}
verify: {signal: alert_resolved, within_seconds: 180}
rollback: []
"""


def problems_of(text):
    return [str(problem) for problem in load(text)[1]]


def changed(before, after):
    assert before in RUNBOOK
    return RUNBOOK.replace(before, after)


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.stem)
def test_a_starter_runbook_has_no_problem_and_fits_the_published_schema(path):
    document, problems = load(path.read_text())

    assert problems == []
    assert document.name == path.stem
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())


def test_there_are_five_starter_runbooks():
    assert len(STARTERS) == 5


def test_the_runbook_of_the_contract_keeps_every_value_it_states():
    document, _ = load(Path("automation/runbooks/restart-service.yaml").read_text())

    assert document.applies_to.labels == {"alertname": "ServiceDown"}
    assert document.parameters["service"].origin == "incident.service"
    assert document.guardrails.cooldown_seconds == 300
    assert document.steps[0].target == "${service}"
    assert document.steps[0].idempotent is True
    assert document.verify.within_seconds == 180


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (changed("rollback: []", "name: again"), "line 10, name: The key 'name' is given twice."),
        (changed("risk: medium", "risk: &r medium"), "line 2, risk: Anchors and aliases (& and *)"),
        (changed("risk: medium", "risk: *r"), "line 2, risk: Anchors and aliases"),
        (changed("risk: medium", "risk: !!python/none x"), "line 2, risk: Tags (!)"),
        (changed("risk: medium", "1: medium"), "line 2: A key must be text"),
        (changed("risk: medium", "risk: " + "[" * 25 + "]" * 25), "nested deeper than 20"),
        (changed("risk: medium", "risk: medium # " + "x" * 262_144), "larger than 256 kB"),
        (changed("risk: medium", "risk: [medium"), "This is not YAML"),
        (changed("risk: medium", "risk: \x07"), "line 2: There is a character"),
        (changed("risk: medium", "risk: \ud800"), "line 2: There is half a character"),
        (changed("risk: medium", "risk: 1e999"), "line 2, risk: The number 1e999 is too large."),
        (RUNBOOK + "---\n" + RUNBOOK, "line 11: There may be one document only."),
        ("", "line 1: A runbook is a mapping"),
    ],
)
def test_text_that_is_not_plain_yaml_is_refused_at_its_line(text, problem):
    document, problems = load(text)

    assert document is None
    assert len(problems) == 1
    assert problem in str(problems[0])


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("risk: medium", "risk: on", "line 2, risk: Input should be 'low'"),
        ("risk: medium\n", "", "line 1, risk: This is required."),
        ("target: ${service}", "target: a", "line 4, parameters.service: No step uses"),
        ("${service}", "${svc}", "line 8, steps[0].target: `${svc}` is not a parameter."),
        ("${service}", "x-${service}", "line 8, steps[0].target: `${parameter}` fills a whole"),
        ("${service}", "a b", "line 8, steps[0].target: String should match"),
        ("action: restart", "action: reboot", "line 6, steps[0].action: There is no action reboot"),
        ("executor: supervisor", "executor: ssh", "line 7, steps[0].executor: restart is done by"),
        ("target: ${service}", "target: ${service}\n    shell: x", "line 9, steps[0].shell: This"),
        ("target: ${service}", "target: ${service}\n    args: {a: 1}", "line 9, steps[0].args.a:"),
        ("target: ${service}", "target: ${service}\n    timeout_seconds: 9999", "line 9, steps[0]"),
        ("target: ${service}", "target: ${service}\n    idempotent: yes", "Write true or false."),
        ('"^[a-z0-9-]+$"', '"[a-z0-9-]+"', "line 4, parameters.service.pattern: A pattern starts"),
        ('"^[a-z0-9-]+$"', '"^(?=a)$"', "line 4, parameters.service.pattern: This pattern can't"),
        ('"^[a-z0-9-]+$"', '"^a\\\\$"', "line 4, parameters.service.pattern: A pattern starts"),
        ("incident.service", "os.environ", "line 4, parameters.service.from:"),
        ("type: string", "type: integer", "line 4, parameters.service: Pattern and max_length"),
        ("rollback: []", "guardrails: {window: sometimes}", "line 10, guardrails.window: The"),
    ],
)
def test_a_mistake_is_named_at_its_line_and_path(before, after, problem):
    problems = problems_of(changed(before, after))

    assert any(problem in each for each in problems), problems


def test_a_warning_does_not_block():
    document, problems = load(RUNBOOK.replace("rollback: []\n", ""))

    assert document is not None
    assert [problem.is_warning for problem in problems] == [True]
    assert "How is this undone?" in problems[0].message


def test_high_risk_without_verification_or_with_free_text_is_refused():
    text = RUNBOOK.replace("medium", "high").replace('pattern: "^[a-z0-9-]+$", ', "")
    text = text.replace("verify: {signal: alert_resolved, within_seconds: 180}\n", "")

    problems = problems_of(text)

    assert any("Nothing verifies" in each for each in problems)
    assert any("a text needs a pattern or an enum" in each for each in problems)


def test_a_step_that_may_not_run_twice_is_not_retried():
    text = """\
name: post
risk: medium
parameters: {path: {type: string, pattern: "^/$"}}
steps:
  - action: http_request
    executor: http
    target: ${path}
    args: {method: POST, headers: {Authorization: Bearer x}}
    retries: 2
verify: {}
rollback: []
"""

    problems = problems_of(text)

    assert any("line 9, steps[0].retries: Only what may be done twice" in each for each in problems)
    assert any("Credentials belong to the connection" in each for each in problems)


def test_words_that_yaml_1_1_took_for_booleans_and_numbers_stay_text():
    text = RUNBOOK + "applies_to: {labels: {a: no, b: on, c: 12:30:00, d: 2024-01-01, <<: x}}\n"

    document, _ = load(text)

    assert document.applies_to.labels == {
        "a": "no",
        "b": "on",
        "c": "12:30:00",
        "d": "2024-01-01",
        "<<": "x",
    }


def test_template_syntax_stays_literal():
    document, _ = load(RUNBOOK + 'description: "{{ 7*7 }} {% x %} ${jndi:ldap://x} $(id)"\n')

    assert document.description == "{{ 7*7 }} {% x %} ${jndi:ldap://x} $(id)"


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_answered_with_a_document_or_with_problems(text):
    document, problems = load(text)

    assert document is not None or problems


@settings(deadline=None)
@given(st.data())
def test_a_runbook_with_anything_in_any_place_raises_nothing(data):
    lines = RUNBOOK.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(st.text("[]{}:-!&*|>'\"# ${}abc\t0", max_size=30))

    document, problems = load("\n".join(lines))

    assert document is not None or problems
