"""The parent of web, worker and beat: starts them, passes on what they say, stops them in time."""

import contextlib
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from types import FrameType

from aiops_site.supervision.child import Child

STOPS_WITHIN_SECONDS = 8.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NAME_WIDTH = 9


class Supervisor:
    """One thread that sleeps until a child speaks or ends, a signal comes, or a restart is due."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._selector = selectors.DefaultSelector()
        self._stop_requests = 0
        self._killed_at: float | None = None

    def run(self) -> None:
        """Return when, after a stop signal, every child has ended."""
        with _signals_as_wakeups(self._selector, self._request_stop):
            for child in self._children:
                self._start(child)
            while not self._is_over():
                self._turn()

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._seconds_to_wait()):
            if isinstance(key.data, Child):
                self._relay(key.data)
            else:
                key.fileobj.recv(4096)  # type: ignore[union-attr]  # the wakeup socket
        for child in self._children:
            if child.has_ended():
                self._note_end(child)
        self._stop_or_restart()

    def _stop_or_restart(self) -> None:
        now = time.monotonic()
        if self._killed_at is not None and now >= self._killed_at:
            self._killed_at = now + STOPS_WITHIN_SECONDS
            for child in self._children:
                child.kill_group()
        if self._stop_requests:
            return
        for child in self._children:
            if child.pid is None and child.is_restarted and now >= child.starts_at:
                self._start(child)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        """The first request is passed on; a second one does not wait any longer."""
        self._stop_requests += 1
        wait = STOPS_WITHIN_SECONDS if self._stop_requests == 1 else 0.0
        self._killed_at = time.monotonic() + wait
        for child in self._children:
            child.send(signal.SIGTERM)

    def _seconds_to_wait(self) -> float | None:
        due = [] if self._killed_at is None else [self._killed_at]
        if not self._stop_requests:
            due += [c.starts_at for c in self._children if c.pid is None and c.is_restarted]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _is_over(self) -> bool:
        return all(
            child.pid is None and (self._stop_requests or not child.is_restarted)
            for child in self._children
        )

    def _start(self, child: Child) -> None:
        child.start()
        self._selector.register(child.output, selectors.EVENT_READ, child)  # type: ignore[arg-type]

    def _note_end(self, child: Child) -> None:
        self._relay(child)
        if child.output is not None:
            self._stop_listening(child)
        if child.is_restarted and not self._stop_requests:
            _say(f"{child.name} ended; starting it again", "up")

    def _relay(self, child: Child) -> None:
        lines, is_open = child.read_lines() if child.output is not None else ([], True)
        for line in lines:
            _say(line, child.name)
        if not is_open:
            self._stop_listening(child)

    def _stop_listening(self, child: Child) -> None:
        self._selector.unregister(child.output)  # type: ignore[arg-type]
        child.close_output()


@contextlib.contextmanager
def _signals_as_wakeups(selector: selectors.BaseSelector, on_stop):  # type: ignore[no-untyped-def]
    """Let a signal interrupt the selector's sleep, also one that comes just before it."""
    ours, kernels = socket.socketpair()
    for end in (ours, kernels):
        end.settimeout(0)
    signal.set_wakeup_fd(kernels.fileno(), warn_on_full_buffer=False)
    selector.register(ours, selectors.EVENT_READ)
    before = {number: signal.signal(number, on_stop) for number in STOP_SIGNALS}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        kernels.close()


def _say(line: str, name: str) -> None:
    """Print a child's line; a terminal that has gone away is no reason to stop."""
    with contextlib.suppress(BrokenPipeError):
        prefix = f"{name:<{NAME_WIDTH}}| " if name else ""
        sys.stdout.write(f"{prefix}{line}\n")
        sys.stdout.flush()
