"""A worker runs a claimed execution step by step, and lets go as soon as it may not go on."""

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from django.utils import timezone

from automation import claiming
from automation import execution as journal
from automation.execution import Fenced
from automation.executors import EXECUTORS, Endpoint, Outcome
from automation.executors.base import failed
from automation.models import Connection, Execution, StepRun
from automation.published import document_of
from telemetry.credentials import decrypt
from telemetry.outbound_allowed import guard

HEARTBEAT_SECONDS = 0.5
RENEW_SECONDS = 4.0
LOST_WORKERS = 4
State = Execution.State
Step = StepRun.State
_ENDINGS: dict[str, Literal["failed", "unknown"]] = {Step.FAILED: "failed", Step.UNKNOWN: "unknown"}


def run(execution_id: int) -> None:
    """Claims and runs it; returns at once when somebody else holds it or it may not run."""
    execution = claiming.claim(execution_id)
    if execution is None:
        return
    try:
        _run_steps(execution)
    except Fenced:
        return


def _run_steps(execution: Execution) -> None:
    is_rollback = execution.reason != ""
    for step in execution.steps.filter(is_rollback=is_rollback):
        if not _pass(execution, step):
            return
    if is_rollback:
        journal.finish(execution.pk, State.ROLLED_BACK, execution.reason, fence=execution.fence)
    elif (verify := document_of(execution.remediation.version).verify) is not None:
        journal.verify_next(execution, verify)
    else:
        reason = "Every step is done; the runbook names no signal to watch."
        journal.finish(execution.pk, State.SUCCEEDED, reason, fence=execution.fence)


def _pass(execution: Execution, step: StepRun) -> bool:
    """Whether the step is done; otherwise the execution has ended, or begins its way back."""
    if step.state == Step.SUCCEEDED:
        return True
    if step.state in _ENDINGS:  # known to a worker that was lost before it could act on it
        return _give_up(execution, step, Outcome(_ENDINGS[step.state], step.summary))
    if _may_have_happened(step):
        journal.end_step(execution, step, Step.UNKNOWN, journal.NOBODY_KNOWS)
        reason = f"The worker was lost during {step.title}; look before going on."
        journal.finish(execution.pk, State.UNKNOWN, reason, fence=execution.fence)
        return False
    if claiming.renew(execution):
        reason = "Stopped before the next step."
        journal.finish(execution.pk, State.STOPPED, reason, fence=execution.fence)
        return False
    return _run_with_retries(execution, step)


def _may_have_happened(step: StepRun) -> bool:
    """Found `running` by the next holder: only an idempotent step may be done again.

    One that was the end of worker after worker is not.
    """
    is_repeatable = step.step["idempotent"] and step.attempts <= step.step["retries"] + LOST_WORKERS
    return step.state == Step.RUNNING and not is_repeatable


def _run_with_retries(execution: Execution, step: StepRun) -> bool:
    outcome = _try(execution, step)
    while _may_try_again(execution, step, outcome):
        outcome = _try(execution, step)
    journal.end_step(execution, step, outcome.status, outcome.summary)
    return outcome.status == "succeeded" or _give_up(execution, step, outcome)


def _may_try_again(execution: Execution, step: StepRun, outcome: Outcome) -> bool:
    """After a pause that grows, unless somebody asks it to stop meanwhile."""
    is_safe = outcome.status == "failed" or step.step["idempotent"]
    is_over = outcome.status == "succeeded" or step.attempts > step.step["retries"]
    if is_over or not is_safe or claiming.renew(execution):
        return False
    journal.print_lines(execution, step, [f"{outcome.summary} Trying again."])
    again_at = time.monotonic() + min(2 ** (step.attempts - 1), 8)
    while time.monotonic() < again_at:
        time.sleep(HEARTBEAT_SECONDS)
        if claiming.renew(execution):
            return False
    return True


def _give_up(execution: Execution, step: StepRun, outcome: Outcome) -> bool:
    if outcome.status == "unknown":
        reason = f"{step.title} may or may not have happened; look before going on."
        journal.finish(execution.pk, State.UNKNOWN, reason, fence=execution.fence)
    elif step.is_rollback or not _begin_rollback(execution, step):
        reason = f"{step.title} failed: {outcome.summary}"
        journal.finish(execution.pk, State.FAILED, reason, fence=execution.fence)
    return False


def _begin_rollback(execution: Execution, step: StepRun) -> bool:
    reason = f"{step.title} failed."
    return journal.begin_rollback(execution.pk, reason, fence=execution.fence)


def _try(execution: Execution, step: StepRun) -> Outcome:
    """The effect runs in a thread that touches no database; this one keeps the lease."""
    begins_by = journal.begin_step(execution, step)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
    effect = _effect(step, lines.put, begins_by)
    threading.Thread(target=_report, args=(effect, done), daemon=True).start()
    renewed_at = time.monotonic()
    while True:
        outcome = _wait(done)
        journal.print_lines(execution, step, _take_all(lines))
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            return outcome
        if time.monotonic() - renewed_at > RENEW_SECONDS or _is_killed(execution):
            renewed_at = time.monotonic()
            if claiming.renew(execution) == "kill":
                return Outcome("unknown", "Killed while it ran; it may or may not have happened.")


def _is_killed(execution: Execution) -> bool:
    return Execution.objects.filter(pk=execution.pk, stop_requested="kill").exists()


def _effect(
    step: StepRun, say: Callable[[str], None], begins_by: datetime
) -> Callable[[], Outcome]:
    """A worker that slept past its lease, before the effect began, must not begin it."""
    plan = step.step
    executor = EXECUTORS[plan["executor"]]
    endpoint = _endpoint(plan["connection"])
    allowed = guard()
    deadline = time.monotonic() + plan["timeout_seconds"]

    def effect() -> Outcome:
        if timezone.now() >= begins_by:
            return failed("The lease ended before it began; nothing was done.")
        return executor.run(
            plan["request"], endpoint=endpoint, on_output=say, deadline=deadline, guard=allowed
        )

    return effect


def _report(effect: Callable[[], Outcome], done: "queue.SimpleQueue[Outcome | Exception]") -> None:
    """Whatever ends the effect is handed to the worker, which raises it where it is logged."""
    try:
        done.put(effect())
    except Exception as error:  # noqa: BLE001 - the thread's edge: passed on, raised in the worker
        done.put(error)


def _wait(done: "queue.SimpleQueue[Outcome | Exception]") -> Outcome | Exception | None:
    try:
        return done.get(timeout=HEARTBEAT_SECONDS)
    except queue.Empty:
        return None


def _take_all(lines: "queue.SimpleQueue[str]") -> list[str]:
    taken: list[str] = []
    while not lines.empty():
        taken.append(lines.get())
    return taken


def _endpoint(reference: dict[str, object] | None) -> Endpoint | None:
    if reference is None:
        return None
    connection = Connection.objects.get(name=reference["name"])
    secret = decrypt(connection.secret) if connection.secret else ""
    return Endpoint(connection.url, connection.username, secret)
