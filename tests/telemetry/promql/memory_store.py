"""A store in memory, for questions alone: selects as the real ones do."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from telemetry.store.frames import Frame, Matcher, Times, Values

STALE = float(np.array([0x7FF0000000000002], dtype=np.int64).view(np.float64)[0])


@dataclass(frozen=True)
class Measured:
    labels: Mapping[str, str]
    at_ms: Times
    values: Values


@dataclass
class MemoryStore:
    measured: list[Measured] = field(default_factory=list)

    def add(self, labels: Mapping[str, str], at_ms: Sequence[int], values: Sequence[float]) -> None:
        self.measured.append(Measured(labels, np.array(at_ms, np.int64), np.array(values, float)))

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Frame]:
        """Series with the same times share a frame."""
        alike: dict[bytes, list[Measured]] = defaultdict(list)
        for each in self.measured:
            if all(_matches(matcher, each.labels) for matcher in matchers):
                within = (each.at_ms >= start_ms) & (each.at_ms <= end_ms)
                cut = Measured(each.labels, each.at_ms[within], each.values[within])
                if cut.at_ms.size:
                    alike[cut.at_ms.tobytes()].append(cut)
        return [_frame(series) for series in alike.values()]


def _frame(series: Sequence[Measured]) -> Frame:
    values = np.stack([each.values for each in series])
    return Frame(tuple(each.labels for each in series), series[0].at_ms, values)


def _matches(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    actual = labels.get(matcher.name, "")
    if matcher.op in ("=", "!="):
        return (actual == matcher.value) == (matcher.op == "=")
    return (re.fullmatch(matcher.value, actual) is not None) == (matcher.op == "=~")
