"""No process of the estate outlives the one that started it, however that one ended."""

import ctypes
import os
import signal
from collections.abc import Callable
from types import FrameType

PARENT_VARIABLE = "ESTATE_SUPERVISORD_PID"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_CHECK_SECONDS = 0.5


def die_with_supervisord() -> None:
    """The kernel kills this process when supervisord ends, even while it is stopped (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    expected = os.environ.get(PARENT_VARIABLE)
    if expected is not None and os.getppid() != int(expected):
        os._exit(1)


def watch_parent(parent_pid: int, when_orphaned: Callable[[], None]) -> None:
    """Calls back from a timer signal, in the main thread, once the parent process is gone.

    A parent-death signal will not do here: it follows the parent's thread, not its process.
    """

    def check(signum: int, frame: FrameType | None) -> None:
        if os.getppid() != parent_pid:
            when_orphaned()

    signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, _CHECK_SECONDS, _CHECK_SECONDS)
