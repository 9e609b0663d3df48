"""A worker runs a claimed execution step by step, and lets go as soon as it may not go on."""

import queue
import threading
import time
from collections.abc import Callable

from automation import execution as journal
from automation.execution import Fenced
from automation.executors import EXECUTORS, Endpoint, Outcome
from automation.models import Connection, Execution, StepRun
from telemetry.credentials import decrypt
from telemetry.outbound_allowed import guard

HEARTBEAT_SECONDS = 0.5
RENEW_SECONDS = 4.0
State = Execution.State
Step = StepRun.State


def run(execution_id: int) -> None:
    """Claims and runs it; returns at once when somebody else holds it or it may not run."""
    execution = journal.claim(execution_id)
    if execution is None:
        return
    try:
        _run_steps(execution)
    except Fenced:
        return


def _run_steps(execution: Execution) -> None:
    is_rollback = execution.reason != "" and _is_rolling_back(execution)
    for step in execution.steps.filter(is_rollback=is_rollback):
        if step.state == Step.SUCCEEDED:
            continue
        if _may_have_happened(step):
            journal.end_step(execution, step, Step.UNKNOWN, "It may or may not have happened.")
            reason = f"The worker was lost during {step.title}; look before going on."
            journal.finish(execution.pk, State.UNKNOWN, reason, fence=execution.fence)
            return
        if journal.renew(execution):
            reason = "Stopped before the next step."
            journal.finish(execution.pk, State.STOPPED, reason, fence=execution.fence)
            return
        if not _run_with_retries(execution, step):
            return
    if is_rollback:
        journal.finish(execution.pk, State.ROLLED_BACK, execution.reason, fence=execution.fence)
    else:
        journal.verify_next(execution)


def _is_rolling_back(execution: Execution) -> bool:
    return not execution.steps.filter(
        is_rollback=False, state__in=(Step.PENDING, Step.RUNNING)
    ).exists()


def _may_have_happened(step: StepRun) -> bool:
    """Found `running` by the next holder: only an idempotent step may be done again."""
    return step.state == Step.RUNNING and not step.step["idempotent"]


def _run_with_retries(execution: Execution, step: StepRun) -> bool:
    while True:
        journal.begin_step(execution, step)
        outcome = _perform(execution, step)
        may_retry = step.attempts <= step.step["retries"]
        is_safe = outcome.status == "failed" or step.step["idempotent"]
        if outcome.status != "succeeded" and may_retry and is_safe:
            journal.print_lines(execution, step, [f"{outcome.summary} Trying again."])
            time.sleep(min(2 ** (step.attempts - 1), 8))
            journal.renew(execution)
            continue
        journal.end_step(execution, step, outcome.status, outcome.summary)
        return outcome.status == "succeeded" or _give_up(execution, step, outcome)


def _give_up(execution: Execution, step: StepRun, outcome: Outcome) -> bool:
    if outcome.status == "unknown":
        reason = f"{step.title} may or may not have happened; look before going on."
        journal.finish(execution.pk, State.UNKNOWN, reason, fence=execution.fence)
    elif step.is_rollback or not journal.begin_rollback(execution.pk, f"{step.title} failed."):
        reason = f"{step.title} failed: {outcome.summary}"
        journal.finish(execution.pk, State.FAILED, reason, fence=execution.fence)
    return False


def _perform(execution: Execution, step: StepRun) -> Outcome:
    """The effect runs in a thread that touches no database; this one keeps the lease."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
    effect = _effect(step, lines.put)
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
            if journal.renew(execution) == "kill":
                return Outcome("unknown", "Killed while it ran; it may or may not have happened.")


def _is_killed(execution: Execution) -> bool:
    return Execution.objects.filter(pk=execution.pk, stop_requested="kill").exists()


def _effect(step: StepRun, say: Callable[[str], None]) -> Callable[[], Outcome]:
    plan = step.step
    executor = EXECUTORS[plan["executor"]]
    endpoint = _endpoint(plan["connection"])
    allowed = guard()
    deadline = time.monotonic() + plan["timeout_seconds"]

    def effect() -> Outcome:
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
