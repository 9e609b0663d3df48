"""A forked child process: its output, its end, and when it may start again."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from aiops_site.supervision.lifeline import die_with_parent, name_process

BACKOFF_SECONDS = (0.2, 1, 2, 4, 8, 15)
HEALTHY_AFTER_SECONDS = 30
CHUNK = 65_536


@dataclass
class Child:
    """`work` runs in a process of its own, in a session of its own, until it returns."""

    name: str
    work: Callable[[], None]
    is_restarted: bool = True
    dies_with: signal.Signals = signal.SIGKILL

    pid: int | None = None
    output: int | None = None
    """The reading end of the pipe that is its stdout and stderr."""
    starts_at: float = 0.0
    _started_at: float = 0.0
    _crashes: int = 0
    _rest: bytes = field(default=b"", repr=False)

    def start(self) -> None:
        self.output, write_end = os.pipe()
        self._started_at = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(write_end)
        os.close(write_end)
        os.set_blocking(self.output, False)

    def has_ended(self) -> bool:
        """Whether it ended since the last question; `starts_at` then says when to restart it."""
        if self.pid is None or os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            return False
        self.pid = None
        if time.monotonic() - self._started_at > HEALTHY_AFTER_SECONDS:
            self._crashes = 0
        pause = BACKOFF_SECONDS[min(self._crashes, len(BACKOFF_SECONDS) - 1)]
        self._crashes += 1
        self.starts_at = time.monotonic() + pause
        return True

    def read_lines(self) -> tuple[list[str], bool]:
        """The complete lines written since the last call, and whether more may come."""
        assert self.output is not None  # noqa: S101 (only asked while it is open)
        try:
            chunk = os.read(self.output, CHUNK)
        except BlockingIOError:
            return [], True
        *lines, self._rest = (self._rest + chunk).split(b"\n") if chunk else [self._rest, b""]
        return [line.decode(errors="replace") for line in lines if line], bool(chunk)

    def close_output(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None

    def send(self, number: signal.Signals) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    def kill_group(self) -> None:
        if self.pid is not None:
            os.killpg(self.pid, signal.SIGKILL)

    def _become(self, write_end: int) -> NoReturn:
        """Run in the forked process only; it never comes back into the supervisor's code."""
        code = 1
        try:
            os.setsid()
            die_with_parent(self.dies_with)
            name_process(f"aiops-{self.name}")
            _reset_signals()
            _redirect_output(write_end)
            self.work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:  # noqa: BLE001 (the edge of a process: say why it ends, then end)
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops us
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _redirect_output(write_end: int) -> None:
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(write_end, 1)
    os.dup2(write_end, 2)
    os.close(write_end)
