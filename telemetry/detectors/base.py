"""What every detector can do: learn and judge, in one go or point by point.

The scale is the same for all: 0 is normal, 1 the threshold, more is worse.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat

Values = NDArray[np.float64]
Times = NDArray[np.int64]


class Judgement(NamedTuple):
    """Lower, upper and expected are None until something is known; the score is then 0."""

    lower: float | None
    upper: float | None
    expected: float | None
    score: float
    is_learning: bool


class Detector(BaseModel, ABC):
    """Fields are settings and every one has a default. Add a method: one module, one line in
    the registry. `observe`, `state` and `restore` are all a method has to write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: ClassVar[str]
    assumed_step_seconds: PositiveFloat = 60.0

    @property
    @abstractmethod
    def last_at_ms(self) -> int | None:
        """When the newest value was observed."""

    @abstractmethod
    def observe(self, at_ms: int, value: float) -> Judgement:
        """Judge the value by what was seen before it, then learn from it.

        `at_ms` is epoch milliseconds. A value that is not finite is neither judged nor learnt.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that was learnt, as JSON can hold it; settings are not part of it."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> Self:
        """Take back what `state` gave. Raises ValueError for anything else."""

    def judge(self, values: Values, at_ms: Times | None = None) -> list[Judgement]:
        """`observe` each value of a one-dimensional array, oldest first."""
        times = self._times(len(values)) if at_ms is None else at_ms
        observe = self.observe
        return [
            observe(at, value) for at, value in zip(times.tolist(), values.tolist(), strict=True)
        ]

    def fit(self, history: Values, at_ms: Times | None = None) -> Self:
        """Forget everything, then learn from a one-dimensional history."""
        self.restore(type(self)(**self.model_dump()).state())
        self.judge(history, at_ms)
        return self

    def score(self, values: Values, at_ms: Times | None = None) -> Values:
        """Scores, one a value, as if the values came after what was learnt. Nothing is learnt
        for good: the numbers are those `observe` would give, and the detector stays as it was.

        Without times, points are `assumed_step_seconds` apart.
        """
        twin = type(self)(**self.model_dump()).restore(self.state())
        return np.array([judged.score for judged in twin.judge(values, at_ms)], dtype=np.float64)

    def _times(self, count: int) -> Times:
        step_ms = self.assumed_step_seconds * 1000
        start = 0 if self.last_at_ms is None else self.last_at_ms + step_ms
        return np.asarray(start + np.arange(count) * step_ms, dtype=np.int64)
