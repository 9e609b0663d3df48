"""Are a plan's targets there? Asked of their connections when the plan is made."""

from dataclasses import asdict
from typing import Any

from cryptography.fernet import InvalidToken

from automation.executors import EXECUTORS, Endpoint
from automation.executors.base import Outcome, unknown
from automation.limits import Check
from automation.models import Connection
from automation.plan import ConnectionRef, Plan, PlannedStep
from telemetry.credentials import decrypt
from telemetry.outbound_allowed import guard


def target_check(plan: Plan) -> dict[str, Any]:
    """One guardrail for all steps, as JSON; empty when no target can be asked for.

    What nobody answers is told and does not stand against the plan: its run fails cleanly.
    """
    answers = [each for step in plan.steps if (each := _answer(step))]
    if not answers:
        return {}
    missing = [reason for status, reason in answers if status == "failed"]
    reasons = missing or [reason for _, reason in answers]
    return asdict(Check("target", not missing, " ".join(dict.fromkeys(reasons))))


def _answer(step: PlannedStep) -> tuple[str, str] | None:
    """The status, and the reason in words."""
    if step.connection is None:
        return None
    found = _find(step, step.connection)
    return (found.status, f"{step.connection.name} {found.summary}") if found else None


def _find(step: PlannedStep, reference: ConnectionRef) -> Outcome | None:
    connection = Connection.objects.get(name=reference.name)
    try:
        secret = decrypt(connection.secret) if connection.secret else ""
    except InvalidToken:
        return unknown("has a secret that can't be read; whether the target exists is unknown.")
    endpoint = Endpoint(connection.url, connection.username, secret)
    return EXECUTORS[step.executor].find(step.request, endpoint, guard=guard())
