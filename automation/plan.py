"""An exact plan: a runbook version with its parameters filled in, and the hash one approves."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from automation.actions import ACTIONS, Action, ActionRefused, JsonObject
from automation.document_models import Parameter, RunbookDocument, Step
from automation.placeholders import filled
from automation.problem import words_for, written
from automation.sensitive import masked


class PlanRefused(Exception):
    """No plan can be made; `problems` says why by parameter name or by `steps[0].target`."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {why}" for path, why in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class VersionRef:
    id: int
    hash: str


@dataclass(frozen=True)
class SecretRef:
    """A secret by name and version; its value is never part of a plan."""

    name: str
    version: int


@dataclass(frozen=True)
class ConnectionRef:
    """Where a step is done. The address and the secrets' versions are part of what is approved."""

    name: str
    executor: str
    url: str
    secrets: tuple[SecretRef, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a plan takes from outside its runbook.

    `values` are what `from:` may name, such as `incident.service`. `connections` are by name, and
    `defaults` names an executor's own. `policy_version` and `what_if` are None without one.
    """

    run_as: str
    expires_at: datetime
    values: Mapping[str, str | int | bool] = field(default_factory=dict)
    connections: Mapping[str, ConnectionRef] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    policy_version: str | None = None
    what_if: str | None = None


@dataclass(frozen=True)
class PlannedStep:
    name: str
    action: str
    action_version: int
    executor: str
    target: str
    connection: ConnectionRef | None
    request: JsonObject
    env: dict[str, str]
    timeout_seconds: int
    retries: int
    idempotent: bool
    changes_target: bool


@dataclass(frozen=True)
class Plan:
    """`targets` are what the plan changes, or looks at when it changes nothing."""

    version: VersionRef
    risk: str
    parameters: dict[str, str | int | bool]
    targets: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    rollback: tuple[PlannedStep, ...]
    run_as: str
    policy_version: str | None
    what_if: str | None
    expires_at: str

    def as_json(self) -> JsonObject:
        """Plain values, as they are stored; `hash_of` of them is `plan_hash`."""
        loaded: JsonObject = orjson.loads(self.canonical())
        return loaded

    def canonical(self) -> bytes:
        return canonical(asdict(self))

    @property
    def plan_hash(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()


def canonical(plan: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces: the same bytes for the same plan, stored or fresh."""
    return orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)


def hash_of(plan: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of a plan stored by `Plan.as_json`."""
    return hashlib.sha256(canonical(plan)).hexdigest()


def render(
    document: RunbookDocument,
    version_ref: VersionRef,
    parameters: Mapping[str, Any],
    context: Context,
) -> Plan:
    """Raises `PlanRefused` when a value, an argument or a connection does not fit."""
    values = _typed(document.parameters, parameters, context)
    steps = _planned_all("steps", document.steps, values, context)
    return Plan(
        version=version_ref,
        risk=document.risk,
        parameters=values,
        targets=_targets(steps),
        steps=steps,
        rollback=_planned_all("rollback", document.rollback, values, context),
        run_as=context.run_as,
        policy_version=context.policy_version,
        what_if=context.what_if,
        expires_at=context.expires_at.isoformat(),
    )


def _typed(
    declared: Mapping[str, Parameter], given: Mapping[str, Any], context: Context
) -> dict[str, str | int | bool]:
    values: dict[str, str | int | bool] = {}
    problems = {name: "is not a parameter" for name in given if name not in declared}
    for name, parameter in declared.items():
        try:
            values[name] = _value(name, parameter, given, context)
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise PlanRefused(problems)
    return values


def _value(
    name: str, parameter: Parameter, given: Mapping[str, Any], context: Context
) -> str | int | bool:
    if name in given:
        return parameter.checked(given[name])
    if parameter.origin is not None and parameter.origin in context.values:
        return parameter.checked(context.values[parameter.origin])
    if parameter.default is not None:
        return parameter.default
    unknown = f", and {parameter.origin} is not known" if parameter.origin else ""
    raise ValueError(f"needs a value{unknown}")


def _targets(steps: tuple[PlannedStep, ...]) -> tuple[str, ...]:
    changed = [step.target for step in steps if step.changes_target]
    return tuple(dict.fromkeys(changed or [step.target for step in steps]))


def _planned_all(
    section: str, steps: list[Step], values: Mapping[str, str | int | bool], context: Context
) -> tuple[PlannedStep, ...]:
    return tuple(
        _planned((section, index), step, values, context) for index, step in enumerate(steps)
    )


def _planned(
    path: tuple[str, int], step: Step, values: Mapping[str, str | int | bool], context: Context
) -> PlannedStep:
    action = _action(path, step, values)
    connection = _connection(path, step, context)
    try:
        request = action.request(connection.url if connection else None)
    except ActionRefused as refused:
        raise PlanRefused({written((*path, "target")): str(refused)}) from refused
    return PlannedStep(
        name=step.name or action.describe(),
        action=step.action,
        action_version=action.version,
        executor=step.executor,
        target=action.target,
        connection=connection,
        request=_settled(request),
        env={},
        timeout_seconds=step.timeout_seconds,
        retries=step.retries,
        idempotent=action.is_idempotent if step.idempotent is None else step.idempotent,
        changes_target=action.changes_target,
    )


def _action(path: tuple[str, int], step: Step, values: Mapping[str, str | int | bool]) -> Action:
    arguments = {"target": filled(step.target, values), **filled(step.args, values)}
    try:
        return ACTIONS[step.action].model_validate(arguments)
    except ValidationError as error:
        problems = {written((*path, *each["loc"])): words_for(each) for each in error.errors()}
        raise PlanRefused(problems) from error


def _connection(path: tuple[str, int], step: Step, context: Context) -> ConnectionRef | None:
    name = step.connection or context.defaults.get(step.executor)
    if name is None:
        return None
    connection = context.connections.get(name)
    if connection is None or connection.executor != step.executor:
        why = f"There is no {step.executor} connection {name}."
        raise PlanRefused({written((*path, "connection")): why})
    return connection


def _settled(value: Any) -> Any:
    """Whole floats as integers, so that a database that stores 1.0 as 1 keeps the hash."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_settled(item) for item in value]
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    return value


def display(plan: Mapping[str, Any]) -> list[JsonObject]:
    """The steps of a stored plan as the API shows them, secrets masked."""
    shown = ("name", "action", "target", "executor", "timeout_seconds", "retries", "idempotent")
    return [
        {key: step[key] for key in shown} | {"request": masked(step["request"])}
        for step in plan["steps"]
    ]
