"""A measured figure, and how it is shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`goal` in words, empty where there is none."""

    what: str
    value: str
    goal: str = ""
    is_met: bool = True

    def as_row(self) -> str:
        verdict = "" if not self.goal else ("yes" if self.is_met else "NO")
        return f"| {self.what} | {self.value} | {self.goal} | {verdict} |"


def at_most(what: str, value: float, limit: float, unit: str) -> Figure:
    return Figure(what, f"{value:,.1f} {unit}", f"at most {limit:g} {unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str) -> Figure:
    return Figure(what, f"{value:,.0f} {unit}", f"at least {limit:,.0f} {unit}", value >= limit)


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
