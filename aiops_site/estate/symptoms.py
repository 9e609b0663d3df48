"""How a process of the shop misbehaves. A fault lives in its process: a restart cures it."""

import mmap
import os
import random
import time
from threading import Event, Thread, Timer

from aiops_site.estate.layout import Fault, first_dependency

ADDED_LATENCY_SECONDS = 0.8
ERROR_SHARE = 0.5
_LEAK_STEP_SECONDS = 0.25
_LEAK_STEP_BYTES = 5 * 1024 * 1024 // 4
_LEAK_CAP_BYTES = 300 * 1024 * 1024
_CRASH_EXIT_CODE = 70
_ANSWER_FIRST_SECONDS = 0.05


class Symptoms:
    """At most one fault at a time. A hang is not here: the kernel stops the whole process."""

    def __init__(self, service: str) -> None:
        self.fault: Fault | None = None
        self._first_dependency = first_dependency(service)
        self._dice = random.Random()  # noqa: S311 - which request fails is no secret
        self._cured = Event()
        self._leak: Thread | None = None

    def start(self, fault: Fault) -> None:
        self.clear()
        self.fault = fault
        if fault is Fault.CRASH:
            Timer(_ANSWER_FIRST_SECONDS, os._exit, [_CRASH_EXIT_CODE]).start()
        if fault is Fault.LEAK:
            self._cured.clear()
            self._leak = Thread(target=self._leak_memory, daemon=True)
            self._leak.start()

    def clear(self) -> None:
        self.fault = None
        self._cured.set()
        if self._leak is not None:
            self._leak.join()
            self._leak = None

    def delay(self) -> None:
        if self.fault is Fault.LATENCY:
            time.sleep(ADDED_LATENCY_SECONDS)

    def fails_now(self) -> bool:
        return self.fault is Fault.ERRORS and self._dice.random() < ERROR_SHARE

    def hides(self, dependency: str) -> bool:
        return self.fault is Fault.DEPENDENCY and dependency == self._first_dependency

    def _leak_memory(self) -> None:
        """Anonymous maps go back to the system when the fault is cleared, which a heap may not."""
        held: list[mmap.mmap] = []
        while not self._cured.wait(_LEAK_STEP_SECONDS):
            if len(held) * _LEAK_STEP_BYTES < _LEAK_CAP_BYTES:
                held.append(mmap.mmap(-1, _LEAK_STEP_BYTES))
                held[-1].write(bytes(_LEAK_STEP_BYTES))
        for block in held:
            block.close()
