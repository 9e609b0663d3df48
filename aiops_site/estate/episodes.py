"""When a condition becomes an alert, when it is said again, and when it is over."""

from datetime import datetime, timedelta
from typing import Literal

LOOKS_BEFORE_A_CHANGE = 2
REPEAT_EVERY = timedelta(seconds=60)

Change = Literal["firing", "resolved", "repeat"]


class Episode:
    """One condition of one service: two bad looks in a row begin it, two good ones end it."""

    def __init__(self) -> None:
        self._told_at: datetime | None = None
        self._in_a_row = 0

    def observe(self, *, is_bad: bool, at: datetime) -> Change | None:
        """What there is to tell after this look, if anything."""
        is_firing = self._told_at is not None
        self._in_a_row = self._in_a_row + 1 if is_bad != is_firing else 0
        if self._in_a_row == LOOKS_BEFORE_A_CHANGE:
            return self._turn(at, is_firing=is_firing)
        if self._told_at is not None and at - self._told_at >= REPEAT_EVERY:
            self._told_at = at
            return "repeat"
        return None

    def _turn(self, at: datetime, *, is_firing: bool) -> Change:
        self._in_a_row = 0
        if is_firing:
            self._told_at = None
            return "resolved"
        self._told_at = at
        return "firing"
