import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from automation.executors.base import (
    CHECK_SECONDS,
    FIND_SECONDS,
    Endpoint,
    Executor,
    Outcome,
    Run,
    failed,
    succeeded,
    unknown,
)
from automation.executors.xml_rpc import AnswerLost, Fault, NotSent, call
from telemetry.outbound import Guard

TAIL_BYTES = 4000
_WAIT = True
_POLL_SECONDS = 0.1
_HALTED = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
_SHUTTING_DOWN, _BAD_NAME, _NO_FILE, _NOT_EXECUTABLE = 6, 10, 20, 21
_DIED_AT_START, _NOT_SPAWNED, _ALREADY_STARTED, _NOT_RUNNING = 40, 50, 60, 70
_FAULTS = {
    _SHUTTING_DOWN: "Supervisor is shutting down.",
    _BAD_NAME: "Supervisor knows no program {program}.",
    _NO_FILE: "The program's file does not exist.",
    _NOT_EXECUTABLE: "The program's file can't be executed.",
    _DIED_AT_START: "{program} was started and did not stay up.",
    _NOT_SPAWNED: "{program} was started and did not stay up.",
}


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    method: Literal["restart"]
    program: str


class Supervisor(Executor):
    """Restarts programs of a supervisord over its XML-RPC (http://supervisord.org/api.html)."""

    slug: ClassVar[str] = "supervisor"

    def perform(self, request: Mapping[str, Any], run: Run) -> Outcome:
        wanted = _Request.model_validate(request)
        if run.endpoint is None:
            return failed("There is no supervisor connection. Nothing was done.")
        return _Restart(wanted.program, run.endpoint, run).outcome()

    def check(self, endpoint: Endpoint, *, guard: Guard) -> Outcome:
        ends_at = time.monotonic() + CHECK_SECONDS

        def ask(method: str) -> Any:
            return call(endpoint, method, seconds=ends_at - time.monotonic(), guard=guard)

        try:
            version = ask("supervisor.getSupervisorVersion")
            state = ask("supervisor.getState")["statename"]
            count = len(ask("supervisor.getAllProcessInfo"))
        except (NotSent, AnswerLost) as error:
            return failed(endpoint.hide_secrets(str(error)))
        except Fault as fault:
            return failed(endpoint.hide_secrets(_words(fault, "")))
        return succeeded(f"Supervisor {version} is {state} with {count} programs.")

    def find(self, request: Mapping[str, Any], endpoint: Endpoint, *, guard: Guard) -> Outcome:
        program = _Request.model_validate(request).program
        method = "supervisor.getProcessInfo"
        try:
            call(endpoint, method, program, seconds=FIND_SECONDS, guard=guard)
        except Fault as fault:
            if fault.faultCode == _BAD_NAME:
                return failed(f"has no program {program}.")
            return unknown(f"did not say whether it has a program {program}: unknown.")
        except (NotSent, AnswerLost):
            return unknown(f"did not answer; whether it has a program {program} is unknown.")
        return succeeded(f"has a program {program}.")


class _Restart:
    """One restart, knowing at every moment what has been done and what is under way."""

    def __init__(self, program: str, endpoint: Endpoint, run: Run) -> None:
        self._program = program
        self._endpoint = endpoint
        self._run = run
        self._done = "Nothing was done."
        self._changing = False

    def outcome(self) -> Outcome:
        try:
            before = self._inspect()
            self._stop(before)
            self._start()
        except NotSent as error:
            return failed(f"{error} {self._done}")
        except AnswerLost as error:
            if not self._changing:
                return failed(f"{error} {self._done}")
            return unknown(f"{error} {self._program} may or may not have been restarted.")
        except Fault as fault:
            return failed(f"{_words(fault, self._program)} {self._done}")
        return self._confirm(before)

    def _ask(self, method: str, *params: str | int | bool) -> Any:
        return call(
            self._endpoint,
            f"supervisor.{method}",
            self._program,
            *params,
            seconds=self._run.seconds_left(),
            guard=self._run.guard,
        )

    def _change(self, method: str, *, harmless: int) -> None:
        self._changing = True
        try:
            self._ask(method, _WAIT)
        except Fault as fault:
            if fault.faultCode != harmless:
                raise
        self._changing = False

    def _inspect(self) -> dict[str, Any]:
        info: dict[str, Any] = self._ask("getProcessInfo")
        self._run.say(f"{self._program} is {info['statename']}: {_detail(info)}")
        return info

    def _stop(self, info: Mapping[str, Any]) -> None:
        if info["statename"] in _HALTED:
            self._run.say(f"{self._program} is not running; there is nothing to stop")
            return
        if info["statename"] == "STOPPING":
            self._wait_until_halted()
        else:
            self._run.say(f"stopping {self._program}")
            self._change("stopProcess", harmless=_NOT_RUNNING)
        self._done = f"{self._program} was stopped and is not running."
        self._run.say(f"{self._program} has stopped")

    def _wait_until_halted(self) -> None:
        while self._ask("getProcessInfo")["statename"] == "STOPPING":
            time.sleep(_POLL_SECONDS)

    def _start(self) -> None:
        self._run.say(f"starting {self._program}")
        try:
            self._change("startProcess", harmless=_ALREADY_STARTED)
        except Fault:
            self._done = f"{self._program} is not running."
            self._say_last_words()
            raise

    def _say_last_words(self) -> None:
        with suppress(NotSent, AnswerLost, Fault):
            self._inspect()
        text = self._tail("tailProcessStderrLog") or self._tail("tailProcessStdoutLog")
        for line in text.splitlines():
            self._run.say(f"| {line}")

    def _tail(self, method: str) -> str:
        """The end of a log, empty when there is none: it explains, and decides nothing."""
        try:
            return str(self._ask(method, 0, TAIL_BYTES)[0]).strip()
        except (NotSent, AnswerLost, Fault):
            return ""

    def _confirm(self, before: Mapping[str, Any]) -> Outcome:
        try:
            after = self._inspect()
        except (NotSent, AnswerLost, Fault):
            return succeeded(f"{self._program} was restarted; its process id is not known.")
        if after["statename"] != "RUNNING":
            return failed(f"{self._program} was started and is now {after['statename']}.")
        pids = f"pid {before['pid'] or 'none'} -> {after['pid']}"
        self._run.say(f"{self._program}: {pids}")
        return succeeded(f"{self._program} was restarted, {pids}.")


def _detail(info: Mapping[str, Any]) -> str:
    return str(info["description"] or info["spawnerr"] or f"pid {info['pid']}")


def _words(fault: Fault, program: str) -> str:
    known = _FAULTS.get(fault.faultCode)
    if known is None:
        return f"Supervisor refused: {fault.faultString}."
    return known.replace("{program}", program)
