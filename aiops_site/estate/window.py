"""How the last seconds went, as a process can say of itself without a metrics server."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock

WINDOW_SECONDS = 10.0


class Window:
    """Outcomes of the last ten seconds; safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._lock = Lock()

    def add(self, *, failed: bool) -> None:
        with self._lock:
            self._outcomes.append((self._clock(), failed))
            self._forget()

    def summary(self) -> dict[str, float]:
        """`total` outcomes and the `failed_share` of them, 0 to 1; 0 when there were none."""
        with self._lock:
            self._forget()
            total = len(self._outcomes)
            failed = sum(failed for _, failed in self._outcomes)
        return {"total": total, "failed_share": failed / total if total else 0.0}

    def _forget(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._outcomes and self._outcomes[0][0] < oldest:
            self._outcomes.popleft()
