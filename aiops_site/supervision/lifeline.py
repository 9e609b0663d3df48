"""A process that the kernel ends together with its parent, even when that is killed outright."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def die_with_parent(with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Ask Linux to send `with_signal` to this process when its parent dies; elsewhere do nothing.

    A kill is safe for every role: what matters is committed, and rows are leased.
    """
    parent = os.getppid()
    _prctl(PR_SET_PDEATHSIG, int(with_signal))
    if os.getppid() != parent:
        os.kill(os.getpid(), with_signal)


def name_process(name: str) -> None:
    """Set what ps and top show; the kernel keeps 15 characters."""
    _prctl(PR_SET_NAME, ctypes.c_char_p(name.encode()))


def _prctl(option: int, value: int | ctypes.c_char_p) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
