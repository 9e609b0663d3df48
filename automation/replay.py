"""What guardrails would have made of the past: who would have run when, and who not. Pure.

Each chance is tried as soon as it is there. Held back, it is tried again at the first moment at
which nothing known stands against it, until its incident is over, as the worker's sweep does. Those
that wait for the same target are served in order.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from automation.limits import Check, Limits, Situation, check_limits

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Chance:
    """An incident somebody would have acted on, from when to when, and on what."""

    number: int
    at: datetime
    until: datetime
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """`against` stood in the way at the first look; `run_at` is None when it never ran."""

    chance: Chance
    run_at: datetime | None
    against: tuple[Check, ...]


def replay(
    limits: Limits,
    risk: str,
    chances: Iterable[Chance],
    others: Iterable[tuple[str, datetime]] = (),
) -> list[Outcome]:
    """In order of time. `others` are target and start of runs that there really were."""
    past = _Past(others)
    ordered = sorted(chances, key=lambda chance: (chance.at, chance.number))
    return [_serve(limits, risk, chance, past) for chance in ordered]


class _Past:
    """Starts by target: those that were, and those of the replay, which may lie ahead."""

    def __init__(self, others: Iterable[tuple[str, datetime]]) -> None:
        self._starts: dict[str, list[datetime]] = defaultdict(list)
        self._last_replayed: dict[str, datetime] = {}
        for target, at in others:
            insort(self._starts[target], at)

    def note(self, targets: Sequence[str], at: datetime) -> None:
        for target in targets:
            insort(self._starts[target], at)
            self._last_replayed[target] = at

    def last_hour(self, target: str, at: datetime) -> list[datetime]:
        starts = self._starts[target]
        return starts[bisect_right(starts, at - HOUR) : bisect_right(starts, at)]

    def last(self, target: str, at: datetime) -> datetime | None:
        starts = self._starts[target]
        before = bisect_right(starts, at)
        return starts[before - 1] if before else None

    def queued(self, target: str) -> datetime | None:
        """When the last one that was served before will have begun."""
        return self._last_replayed.get(target)

    def situation(self, targets: Sequence[str], risk: str, at: datetime) -> Situation:
        last = {target: self.last(target, at) for target in targets}
        return Situation(
            at=at,
            targets=targets,
            risk=risk,
            runs_last_hour={target: len(self.last_hour(target, at)) for target in targets},
            last_run_at={target: begun for target, begun in last.items() if begun},
            is_automatic=True,
        )


def _serve(limits: Limits, risk: str, chance: Chance, past: _Past) -> Outcome:
    at = chance.at
    against = first = _against(limits, past.situation(chance.targets, risk, at))
    while against:
        again = _next_look(limits, past, chance.targets, at, {check.name for check in against})
        if again is None or again >= chance.until:
            return Outcome(chance, None, first)
        at = again
        against = _against(limits, past.situation(chance.targets, risk, at))
    past.note(chance.targets, at)
    return Outcome(chance, at, first)


def _against(limits: Limits, now: Situation) -> tuple[Check, ...]:
    return tuple(check for check in check_limits(limits, now) if not check.passed)


def _next_look(
    limits: Limits, past: _Past, targets: Sequence[str], at: datetime, failed: set[str]
) -> datetime | None:
    """After `at`; None when no time would help."""
    if failed & {"risk", "max_targets"}:
        return None
    looks = [queued for target in targets if (queued := past.queued(target)) and queued > at]
    if "window" in failed:
        looks.append(limits.window.opens_after(at))
    for target in targets:
        if "cooldown_seconds" in failed and (last := past.last(target, at)):
            looks.append(last + timedelta(seconds=limits.cooldown_seconds))
        if (
            "max_per_hour" in failed
            and len(begun := past.last_hour(target, at)) >= limits.max_per_hour
        ):
            looks.append(begun[-limits.max_per_hour] + HOUR)
    return max(looks)
