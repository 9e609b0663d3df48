"""A plan's steps as a person reads them: what is done, the exact request, and within what. Pure."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from automation.sensitive import masked


@dataclass(frozen=True)
class StepWords:
    """`command` is exactly what the executor is given, secrets masked."""

    title: str
    command: str
    note: str


def steps_in_words(steps: Iterable[Mapping[str, Any]]) -> list[StepWords]:
    """Of the steps of a plan as `Plan.as_json` gives them."""
    return [StepWords(step["name"], request_text(step), note_of(step)) for step in steps]


def request_text(step: Mapping[str, Any]) -> str:
    """Such as `POST https://example.test/hook {"event":"x"}` or `supervisor restart checkout`."""
    request = {key: value for key, value in masked(step["request"]).items() if value or value == 0}
    if isinstance(request.get("argv"), list):
        return shlex.join(map(str, request["argv"]))
    verb = str(request.pop("method", ""))
    if "url" in request:
        head = f"{verb} {request.pop('url')}"
    else:
        head = f"{step['executor']} {verb or step['action']}"
    request.pop("expected_status", None)
    return " ".join([head, *(_argument(name, value) for name, value in request.items())])


def note_of(step: Mapping[str, Any]) -> str:
    """Where, for how long, how often, and whether it can safely be done twice."""
    parts = [f"up to {in_time(step['timeout_seconds'])}"]
    if step["connection"] and "url" not in step["request"]:
        parts.insert(0, f"by {step['connection']['name']} at {step['connection']['url']}")
    if expected := step["request"].get("expected_status"):
        parts.append(f"expects {', '.join(map(str, expected))}")
    if step["retries"]:
        parts.append("1 retry" if step["retries"] == 1 else f"{step['retries']} retries")
    if not step["idempotent"]:
        parts.append("not repeated by itself")
    return ", ".join(parts)


def in_time(seconds: int) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if minutes and not rest:
        return f"{minutes} min"
    return f"{seconds} s"


def _argument(name: str, value: Any) -> str:
    if isinstance(value, str) and name in ("program", "target", "name"):
        return value
    return (
        f"{name}={orjson.dumps(value).decode()}" if name != "body" else orjson.dumps(value).decode()
    )
