"""A runbook as it is written: YAML text to a checked document, or what is wrong on which line."""

from typing import Any

from pydantic import ValidationError

from automation.document_models import (
    AppliesTo,
    Guardrails,
    Parameter,
    RunbookDocument,
    Step,
    Verify,
)
from automation.document_rules import broken_rules
from automation.problem import Problem, words_for, written
from automation.yaml_tree import Tree, YamlRefused, read_tree

__all__ = [
    "AppliesTo",
    "Guardrails",
    "Parameter",
    "Problem",
    "RunbookDocument",
    "Step",
    "Verify",
    "json_schema",
    "load",
]

MAX_PROBLEMS = 100


def load(text: str) -> tuple[RunbookDocument | None, list[Problem]]:
    """The document, None when anything but a warning is wrong, and the problems by line.

    Any text at all may be given; nothing is raised for it.
    """
    try:
        tree = read_tree(text)
    except YamlRefused as refused:
        return None, [Problem(refused.line, written(refused.path), refused.message)]
    if not isinstance(tree.value, dict):
        return None, [Problem(1, "", "A runbook is a mapping of keys, such as `name:`.")]
    try:
        document = RunbookDocument.model_validate(tree.value)
    except ValidationError as error:
        found = [_problem(each, tree) for each in error.errors()[:MAX_PROBLEMS]]
        return None, sorted(found, key=lambda problem: problem.line)
    problems = sorted(broken_rules(document, tree), key=lambda problem: problem.line)
    blocked = any(not problem.is_warning for problem in problems)
    return None if blocked else document, problems[:MAX_PROBLEMS]


def _problem(error: Any, tree: Tree) -> Problem:
    path = tuple(part for part in error["loc"] if part != "[key]")
    return Problem(tree.line_of(path), written(path), words_for(error))


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the document."""
    schema = RunbookDocument.model_json_schema(by_alias=True)
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Runbook"}
