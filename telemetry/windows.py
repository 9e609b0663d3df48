"""The last values of a series, and the band a value is expected in by their quantiles."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

_TENTH_TO_MEDIAN = 1.2816  # standard deviations between a normal's 90th percentile and its median
_MAX_SKEW = 4.0
_TAIL_REACH = 1.5


class Band(NamedTuple):
    lower: float
    centre: float
    upper: float

    def score(self, value: float) -> float:
        """0 at the centre, 1 at either edge."""
        edge = self.upper if value >= self.centre else self.lower
        return abs(value - self.centre) / abs(edge - self.centre)


@dataclass(slots=True)
class RecentValues:
    """At most `size` values, oldest dropped first, always in order of size as well."""

    size: int
    arrived: deque[float] = field(default_factory=deque)
    _ordered: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._ordered = sorted(self.arrived)

    def __len__(self) -> int:
        return len(self._ordered)

    def add(self, value: float) -> None:
        if len(self.arrived) >= self.size:
            oldest = self.arrived.popleft()
            del self._ordered[bisect_left(self._ordered, oldest)]
        self.arrived.append(value)
        insort(self._ordered, value)

    def replace(self, values: Iterable[float]) -> None:
        self.arrived = deque(values)
        self._ordered = sorted(self.arrived)

    def quantile(self, share: float) -> float:
        """Linear between neighbours. Raises IndexError when there is no value."""
        place = share * (len(self._ordered) - 1)
        left = int(place)
        low = self._ordered[left]
        if place == left:
            return low
        return low + (self._ordered[left + 1] - low) * (place - left)

    def band(self, reach: float, floor: float) -> Band:
        """`reach` standard deviations to either side, `floor` the least one of them.

        Each side has its own width: Tukey's g distribution through the 10th, 50th and 90th
        percentile (Hoaglin 1985), which is a normal where they lie evenly and a shifted
        lognormal where they do not; never narrower than the 2 % tails ask for.
        """
        centre = self.quantile(0.5)
        least = floor * _TENTH_TO_MEDIAN
        above = max(self.quantile(0.9) - centre, least)
        below = max(centre - self.quantile(0.1), least)
        skew = min(max(above / below, 1 / _MAX_SKEW), _MAX_SKEW)
        steps = reach / _TENTH_TO_MEDIAN
        up = max(above * _stretch(skew, steps), _TAIL_REACH * (self.quantile(0.98) - centre))
        down = max(below * _stretch(1 / skew, steps), _TAIL_REACH * (centre - self.quantile(0.02)))
        return Band(centre - down, centre, centre + up)


def is_steady(values: Iterable[float], floor: float) -> bool:
    """Whether the second half lies where the first half lay, within their own spread."""
    listed = list(values)
    middle = len(listed) // 2
    first, second = (
        RecentValues(middle + 1, deque(half)) for half in (listed[:middle], listed[middle:])
    )
    spread = max(half.quantile(0.9) - half.quantile(0.1) for half in (first, second))
    return abs(first.quantile(0.5) - second.quantile(0.5)) <= spread + floor


def _stretch(skew: float, steps: float) -> float:
    """How many times its percentile's distance a side reaches; at least as far as a normal's."""
    if skew <= 1.001:
        return steps
    return float((skew**steps - 1) / (skew - 1))
