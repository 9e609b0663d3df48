"""How far a series is usually from its level at this hour of the day, or of the week."""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

_HOUR_MS = 3_600_000
_DAY = 24
_WEEK = 7 * _DAY
_LEAST_RATE = 0.25


@dataclass(slots=True)
class Season:
    """Hours are UTC. A profile is used once its period has been seen twice; when one comes into
    use the offset does not jump, because it is anchored to the one before."""

    daily: list[float] = field(default_factory=lambda: [0.0] * _DAY)
    weekly: list[float] = field(default_factory=lambda: [0.0] * _WEEK)
    past_hours: deque[float] = field(default_factory=deque)
    hours_seen: int = 0
    anchor: float = 0.0
    hour: int = 0
    hour_total: float = 0.0
    hour_count: int = 0

    def learn(self, at_ms: int, value: float) -> None:
        """Only values that were as expected belong in a profile."""
        hour = at_ms // _HOUR_MS
        if hour != self.hour:
            self._close_hour(at_ms)
            self.hour = hour
        self.hour_total += value
        self.hour_count += 1

    def offset(self, at_ms: int) -> float:
        """What to add to the level at this time; 0 until two days have been seen."""
        if self.hours_seen < 2 * _DAY:
            return 0.0
        profile = self.daily if self.hours_seen < 2 * _WEEK else self.weekly
        return self.anchor + _between_hours(profile, at_ms)

    def _close_hour(self, at_ms: int) -> None:
        if not self.hour_count:
            return
        before = self.offset(at_ms)
        self._keep(_rounded(self.hour_total / self.hour_count))
        self.hour_total, self.hour_count = 0.0, 0
        if self.hours_seen in (2 * _DAY, 2 * _WEEK):
            self.anchor += before - self.offset(at_ms)

    def _keep(self, mean: float) -> None:
        self.past_hours.append(mean)
        if len(self.past_hours) > _WEEK:
            self.past_hours.popleft()
        self.hours_seen += 1
        for profile in (self.daily, self.weekly):
            self._update(profile, mean)

    def _update(self, profile: list[float], mean: float) -> None:
        period = len(profile)
        if len(self.past_hours) < period:
            return
        newest = islice(reversed(self.past_hours), period)
        deviation = mean - sum(newest) / period
        rate = max(1 / (self.hours_seen // period), _LEAST_RATE)
        slot = self.hour % period
        profile[slot] = _rounded(profile[slot] + rate * (deviation - profile[slot]))


def _between_hours(profile: list[float], at_ms: int) -> float:
    place = at_ms / _HOUR_MS - 0.5
    left = int(place // 1)
    share = place - left
    period = len(profile)
    return profile[left % period] * (1 - share) + profile[(left + 1) % period] * share


def _rounded(value: float) -> float:
    """Seven digits are plenty for an hour's mean, and halve what is stored."""
    return float(f"{value:.7g}")
