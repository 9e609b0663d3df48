"""How much telemetry this process took in during the last minute, and what it refused so far."""

import time
from collections import Counter, defaultdict

SECONDS = 60
_Slots = list[tuple[int, int]]


def _empty() -> _Slots:
    return [(0, 0)] * SECONDS


class Tally:
    """Noted by the event loop, read by any thread."""

    def __init__(self) -> None:
        self._slots: defaultdict[str, _Slots] = defaultdict(_empty)
        self._refused: Counter[str] = Counter()

    def note(self, kind: str, kept: int, refused: Counter[str]) -> None:
        now = int(time.monotonic())
        second, count = self._slots[kind][now % SECONDS]
        self._slots[kind][now % SECONDS] = now, kept + (count if second == now else 0)
        self._refused.update(refused)

    def a_second(self) -> dict[str, float]:
        """Records of each kind, over the last minute."""
        since = int(time.monotonic()) - SECONDS
        return {
            kind: sum(count for second, count in slots if second > since) / SECONDS
            for kind, slots in self._slots.copy().items()
        }

    def refused(self) -> Counter[str]:
        """By reason, since the process started."""
        return self._refused.copy()


TALLY = Tally()
