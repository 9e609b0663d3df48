"""A robust expected band that follows the level and knows the hour of the day and the week."""

from collections import deque
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any, ClassVar, Literal, Self

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, PrivateAttr, TypeAdapter

from telemetry.detectors.base import Detector, Judgement
from telemetry.seasons import Season
from telemetry.windows import Band, RecentValues, is_steady

_VERSION = "seasonal/1"
_MAX_SCORE = 1000.0
_TINY = 1e-9
_MANY = 16


@dataclass(slots=True)
class _Disturbance:
    """What was seen since the first anomalous value that ten calm ones have not yet followed."""

    since_ms: int | None = None
    calm: int = 0
    odd: list[float] = field(default_factory=list)
    values: deque[float] = field(default_factory=deque)

    def note(self, at_ms: int, rest: float, window: int, *, is_odd: bool) -> None:
        if self.since_ms is None:
            self.since_ms = at_ms
        self.calm = 0 if is_odd else self.calm + 1
        self.values.append(rest)
        if len(self.values) > window:
            self.values.popleft()
        if is_odd and len(self.odd) < _MANY:
            self.odd.append(rest)


@dataclass(slots=True)
class _Memory:
    former: list[float] = field(default_factory=list)
    former_until_ms: int = 0
    returned: int = 0
    first_at_ms: int | None = None
    last_at_ms: int | None = None
    last_value: float | None = None
    resolution: float | None = None
    is_non_negative: bool = True
    season: Season = field(default_factory=Season)
    disturbance: _Disturbance = field(default_factory=_Disturbance)


_MEMORY = TypeAdapter(_Memory)
_FLOATS = TypeAdapter(list[float])


class Seasonal(Detector):
    """Unusual is far from the recent median, seasons taken out, by the recent quantiles.

    An anomalous value is kept apart. One or two alone are learnt once calm has followed, so noise
    with rare spikes is normal. A lasting disturbance is not learnt, until it has stayed
    steady for `relearn_seconds`: then it is the new level, and a return to the former one
    within a day is a return to normal.
    """

    slug: ClassVar[str] = "seasonal"
    window: PositiveInt = 600
    reach: PositiveFloat = 4.5
    relative_floor: NonNegativeFloat = 0.02
    resolution_share: NonNegativeFloat = 0.5
    warm_up_points: PositiveInt = 60
    warm_up_seconds: NonNegativeFloat = 45.0
    calm_points: PositiveInt = 10
    spike_points: PositiveInt = 2
    relearn_points: PositiveInt = 120
    relearn_seconds: PositiveFloat = 3600.0
    former_seconds: PositiveFloat = 86_400.0
    direction: Literal["both", "up", "down"] = "both"

    _memory: _Memory = PrivateAttr(default_factory=_Memory)
    _recent: RecentValues = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        self._recent = RecentValues(self.window)

    @property
    def last_at_ms(self) -> int | None:
        return self._memory.last_at_ms

    def observe(self, at_ms: int, value: float) -> Judgement:
        memory = self._memory
        is_learning = self._is_learning(memory)
        if is_learning or not isfinite(value):
            judged = Judgement(None, None, None, 0.0, is_learning)
        else:
            judged = self._judge(memory, at_ms, value)
        if isfinite(value):
            self._learn(memory, at_ms, value, is_odd=judged.score > 1)
        return judged

    def state(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "recent": list(self._recent.arrived),
            "memory": _MEMORY.dump_python(self._memory, mode="json"),
        }

    def restore(self, state: dict[str, Any]) -> Self:
        if state.get("version") != _VERSION:
            raise ValueError(f"This is not a state of {_VERSION}.")
        self._memory = _MEMORY.validate_python(state.get("memory"))
        self._recent.replace(_FLOATS.validate_python(state.get("recent"))[-self.window :])
        return self

    def _is_learning(self, memory: _Memory) -> bool:
        if memory.first_at_ms is None or memory.last_at_ms is None:
            return True
        span_seconds = (memory.last_at_ms - memory.first_at_ms) / 1000
        enough = min(self.warm_up_points, self.window)
        return len(self._recent) < enough or span_seconds < self.warm_up_seconds

    def _judge(self, memory: _Memory, at_ms: int, value: float) -> Judgement:
        offset = memory.season.offset(at_ms)
        band, score = self._expect(memory, at_ms, value - offset, offset)
        least = 0.0 if memory.is_non_negative else -inf
        lower, expected, upper = (max(edge + offset, least) for edge in band)
        return Judgement(lower, upper, expected, min(score, _MAX_SCORE), is_learning=False)

    def _expect(
        self, memory: _Memory, at_ms: int, rest: float, offset: float
    ) -> tuple[Band, float]:
        band = self._band(memory, self._recent, offset)
        score = self._directed(band, rest)
        if score > 1 and memory.former and at_ms < memory.former_until_ms:
            former = self._band(memory, RecentValues(self.window, deque(memory.former)), offset)
            former_score = self._directed(former, rest)
            if former_score <= 1:
                memory.returned += 1
                return former, former_score
        memory.returned = 0
        return band, score

    def _band(self, memory: _Memory, values: RecentValues, offset: float) -> Band:
        level = abs(values.quantile(0.5) + offset)
        floor = self.relative_floor * level + self.resolution_share * (memory.resolution or 0.0)
        return values.band(self.reach, max(floor, _TINY))

    def _directed(self, band: Band, rest: float) -> float:
        is_above = rest >= band.centre
        if self.direction == ("down" if is_above else "up"):
            return 0.0
        return band.score(rest)

    def _learn(self, memory: _Memory, at_ms: int, value: float, *, is_odd: bool) -> None:
        if memory.first_at_ms is None:
            memory.first_at_ms = at_ms
        memory.last_at_ms = at_ms
        memory.is_non_negative = memory.is_non_negative and value >= 0
        rest = value - memory.season.offset(at_ms)
        if not is_odd:
            self._recent.add(rest)
            memory.season.learn(at_ms, value)
            _note_resolution(memory, value)
        if memory.returned >= self.calm_points:
            self._recent.replace(memory.former)
            memory.former, memory.returned, memory.disturbance = [], 0, _Disturbance()
        elif is_odd or memory.disturbance.since_ms is not None:
            self._follow_disturbance(memory, at_ms, rest, is_odd=is_odd)

    def _follow_disturbance(
        self, memory: _Memory, at_ms: int, rest: float, *, is_odd: bool
    ) -> None:
        disturbance = memory.disturbance
        disturbance.note(at_ms, rest, self.window, is_odd=is_odd)
        if disturbance.calm >= self.calm_points:
            self._end_disturbance(memory)
        elif self._is_new_level(memory, at_ms):
            memory.former = list(self._recent.arrived)
            memory.former_until_ms = at_ms + int(self.former_seconds * 1000)
            self._recent.replace(disturbance.values)
            memory.disturbance = _Disturbance()

    def _end_disturbance(self, memory: _Memory) -> None:
        odd = memory.disturbance.odd
        if len(odd) <= self.spike_points:
            for rest in odd:
                self._recent.add(rest)
        memory.disturbance = _Disturbance()

    def _is_new_level(self, memory: _Memory, at_ms: int) -> bool:
        disturbance = memory.disturbance
        started_ms = at_ms if disturbance.since_ms is None else disturbance.since_ms
        return (
            len(disturbance.values) >= min(self.relearn_points, self.window)
            and at_ms - started_ms >= self.relearn_seconds * 1000
            and is_steady(disturbance.values, memory.resolution or 0.0)
        )


def _note_resolution(memory: _Memory, value: float) -> None:
    step = abs(value - memory.last_value) if memory.last_value is not None else 0.0
    if step > 0 and (memory.resolution is None or step < memory.resolution):
        memory.resolution = step
    memory.last_value = value
