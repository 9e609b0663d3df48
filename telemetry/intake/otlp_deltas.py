"""Counts of an interval become counts since we began to listen, as Prometheus has them."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

Counts = tuple[float, ...]


@dataclass(slots=True)
class DeltaMemory:
    """What each series has come to; the ones unseen longest are forgotten first.

    A series that was forgotten, or all of them after a restart, begin at nothing again: an
    ordinary counter reset.
    """

    max_series: int = 50_000
    _known: OrderedDict[Hashable, tuple[int, Counts]] = field(default_factory=OrderedDict)

    def add(self, series: Hashable, at_ms: int, counts: Sequence[float]) -> Counts | None:
        """What it has come to. The newest counts again change nothing; older ones give None."""
        newest_ms, before = self._known.get(series, (-1, (0.0,) * len(counts)))
        if at_ms < newest_ms:
            return None
        if at_ms == newest_ms:
            return before
        after = tuple(old + new for old, new in zip(before, counts, strict=True))
        self._known[series] = at_ms, after
        self._known.move_to_end(series)
        if len(self._known) > self.max_series:
            self._known.popitem(last=False)
        return after
