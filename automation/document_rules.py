"""What a well-formed runbook must also mean: actions that exist, parameters that are declared."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from automation.actions import ACTIONS, Action
from automation.document_models import RunbookDocument, Step
from automation.placeholders import name_in, texts_in
from automation.problem import Problem, words_for, written
from automation.sensitive import is_sensitive
from automation.yaml_tree import Path, Tree

_GRAVE = {"high", "critical"}
_LONGEST_SECONDS = 4 * 3600


def broken_rules(document: RunbookDocument, tree: Tree) -> Iterator[Problem]:
    for rule in (_in_steps, _in_parameters, _in_risk, _in_time):
        for path, message, is_warning in rule(document):
            yield Problem(tree.line_of(path), written(path), message, is_warning)


Finding = tuple[Path, str, bool]


def _wrong(path: Path, message: str) -> Finding:
    return path, message, False


def _doubtful(path: Path, message: str) -> Finding:
    return path, message, True


def _all_steps(document: RunbookDocument) -> Iterator[tuple[Path, Step]]:
    for section, steps in (("steps", document.steps), ("rollback", document.rollback)):
        for index, step in enumerate(steps):
            yield (section, index), step


def _in_steps(document: RunbookDocument) -> Iterator[Finding]:
    for path, step in _all_steps(document):
        yield from _in_placeholders(document, path, step)
        yield from _in_action(path, step)
        yield from _in_secrets(path, step)


def _in_placeholders(document: RunbookDocument, path: Path, step: Step) -> Iterator[Finding]:
    if "${" in step.name:
        yield _wrong((*path, "name"), "A name is plain text; no parameter is filled in here.")
    for inner, text, is_key in texts_in({"target": step.target, "args": step.args}):
        if "${" not in text:
            continue
        name = None if is_key else name_in(text)
        if name is None:
            message = "`${parameter}` fills a whole value, never a part of one, and never a key."
            yield _wrong((*path, *inner), message)
        elif name not in document.parameters:
            yield _wrong((*path, *inner), f"`${{{name}}}` is not a parameter.")


def _in_action(path: Path, step: Step) -> Iterator[Finding]:
    action = ACTIONS.get(step.action)
    if action is None:
        known = ", ".join(sorted(ACTIONS))
        yield _wrong((*path, "action"), f"There is no action {step.action}; there are {known}.")
        return
    if step.executor not in action.executors:
        fitting = ", ".join(sorted(action.executors))
        yield _wrong((*path, "executor"), f"{step.action} is done by {fitting}.")
    yield from _in_arguments(path, step, action)


def _in_arguments(path: Path, step: Step, action: type[Action]) -> Iterator[Finding]:
    wrong = list(_wrong_arguments(step, action))
    yield from (_wrong((*path, *inner), message) for inner, message in wrong)
    if wrong or not step.retries:
        return
    repeatable = _as_written(step, action).is_idempotent
    if not (repeatable if step.idempotent is None else step.idempotent):
        message = "Only what may be done twice is retried; say `idempotent: true` or no retries."
        yield _wrong((*path, "retries"), message)


def _wrong_arguments(step: Step, action: type[Action]) -> Iterator[tuple[Path, str]]:
    if "target" in step.args:
        yield ("args", "target"), "The target has its own key in the step."
        return
    try:
        action.model_validate({"target": step.target, **step.args})
    except ValidationError as error:
        for each in error.errors():
            if not any("${" in text for _, text, _ in texts_in(each["input"])):
                inner = tuple(part for part in each["loc"] if part != "[key]")
                yield inner if inner[0] == "target" else ("args", *inner), words_for(each)


def _as_written(step: Step, action: type[Action]) -> Action:
    """The action with its placeholders still in it, to ask what kind of deed it is."""
    return action.model_construct(target=step.target, **step.args)


def _in_secrets(path: Path, step: Step) -> Iterator[Finding]:
    headers = step.args.get("headers")
    for name in headers if isinstance(headers, dict) else ():
        if is_sensitive(name):
            message = "Credentials belong to the connection, where they are kept encrypted."
            yield _wrong((*path, "args", "headers", name), message)


def _in_parameters(document: RunbookDocument) -> Iterator[Finding]:
    used = {name for _, step in _all_steps(document) for name in _names_in(step)}
    for name, parameter in document.parameters.items():
        path = ("parameters", name)
        if name not in used:
            yield _doubtful(path, "No step uses this parameter.")
        is_free = parameter.type == "string" and not parameter.pattern and not parameter.enum
        if is_free and document.risk in _GRAVE:
            yield _wrong(path, f"At {document.risk} risk a text needs a pattern or an enum.")
        elif is_free:
            yield _doubtful(path, "Any text is taken; a pattern or an enum would say which.")


def _names_in(step: Step) -> Iterator[Any]:
    for _, text, _ in texts_in({"target": step.target, "args": step.args}):
        yield name_in(text)


def _in_risk(document: RunbookDocument) -> Iterator[Finding]:
    if document.risk == "low":
        yield from _in_low_risk(document)
        return
    if "rollback" not in document.model_fields_set:
        message = "How is this undone? Write `rollback:`, or `rollback: []` when it can't be."
        yield _doubtful(("risk",), message)
    if document.verify is None:
        message = f"Nothing verifies that it worked; at {document.risk} risk write `verify:`."
        yield ("risk",), message, document.risk not in _GRAVE


def _in_low_risk(document: RunbookDocument) -> Iterator[Finding]:
    for path, step in _all_steps(document):
        if _may_change(step):
            yield _doubtful((*path, "action"), "This changes something, yet the risk is low.")


def _may_change(step: Step) -> bool:
    action = ACTIONS.get(step.action)
    if action is None or any(_wrong_arguments(step, action)):
        return False
    return _as_written(step, action).changes_target


def _in_time(document: RunbookDocument) -> Iterator[Finding]:
    longest = sum(step.timeout_seconds * (step.retries + 1) for step in document.steps)
    if longest > _LONGEST_SECONDS:
        hours = _LONGEST_SECONDS // 3600
        yield _wrong(("steps",), f"All steps with their retries may take {hours} hours at most.")
