"""Sparing a source that is down, and everybody who would wait for it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 5
REST_SECONDS = 30.0
PARALLEL = 4


class Breaker:
    """Opens after so many failures in a row; after a rest one question is let through, and its
    end says whether the others are."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._asks_at = 0.0

    def seconds_left(self) -> float:
        """Until the next question is let through; 0 lets this one through."""
        if self._failures < FAILURES:
            return 0.0
        left = self._asks_at - self._clock()
        if left > 0:
            return left
        self._asks_at = self._clock() + REST_SECONDS
        return 0.0

    def note_success(self) -> None:
        self._failures = 0

    def note_failure(self) -> None:
        self._failures += 1
        self._asks_at = self._clock() + REST_SECONDS


@dataclass(frozen=True)
class Reach:
    """What all questions of this process to one source share."""

    breaker: Breaker = field(default_factory=Breaker)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARALLEL))
