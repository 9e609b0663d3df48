"""Samples of many series in one piece: a row for each series, and a clock for each set of times.

Series of one scrape share their times to the millisecond, so times are kept once for all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from telemetry.store.frames import Times, Values

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """`values` holds the rows one after another, `times` the clocks; row i keeps clock `clock[i]`.

    A series has one row at most; its times ascend. No row and no clock is empty.
    """

    series: Ids  # (m,), ascending
    clock: npt.NDArray[np.int64]  # (m,)
    lengths: npt.NDArray[np.int64]  # (c,), of the clocks
    times: Times
    values: Values

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        return self.lengths[self.clock]

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where each row begins among the values."""
        return starts_of(self.counts)

    @cached_property
    def clock_offsets(self) -> npt.NDArray[np.int64]:
        return starts_of(self.lengths)

    @cached_property
    def clocks(self) -> list[Times]:
        return np.split(self.times, self.clock_offsets[1:])

    @property
    def first_ms(self) -> int:
        return int(self.times.min())

    @property
    def last_ms(self) -> int:
        return int(self.times.max())

    def at_ms(self) -> Times:
        """The time of every value."""
        return self.times[ranges(self.clock_offsets[self.clock], self.counts)]

    def of(self, wanted: Ids) -> "Rows":
        """The rows of these series, which ascend."""
        place = np.searchsorted(wanted, self.series)
        found = wanted[np.minimum(place, len(wanted) - 1)] == self.series
        return self if found.all() else self.chosen(np.flatnonzero(found))

    def of_range(self, first: int, last: int) -> "Rows":
        """The rows of series from the first to the last, both included."""
        begin, end = np.searchsorted(self.series, [first, last + 1])
        is_all = end - begin == len(self.series)
        return self if is_all else self.chosen(np.arange(begin, end))

    def between(self, start_ms: int, end_ms: int) -> "Rows":
        """What was measured in that time, both ends included."""
        kept = (self.times >= start_ms) & (self.times <= end_ms)
        if kept.all():
            return self
        return self.thinned(kept)

    def chosen(self, rows: npt.NDArray[np.int64]) -> "Rows":
        """Those rows, named by their places, which ascend."""
        if not len(rows):
            return EMPTY
        used, clock = np.unique(self.clock[rows], return_inverse=True)
        lengths = self.lengths[used]
        return Rows(
            self.series[rows],
            clock,
            lengths,
            self.times[ranges(self.clock_offsets[used], lengths)],
            self.values[ranges(self.offsets[rows], self.counts[rows])],
        )

    def table(self, rows: npt.NDArray[np.int64], length: int) -> Values:
        """The values of rows that are all of that length, one row below the other."""
        begin = int(self.offsets[rows[0]])
        places: slice | npt.NDArray[np.int64] = slice(begin, begin + len(rows) * length)
        if rows[-1] - rows[0] + 1 != len(rows):
            places = ranges(self.offsets[rows], np.full(len(rows), length))
        return self.values[places].reshape(len(rows), length)

    def thinned(self, kept: npt.NDArray[np.bool_]) -> "Rows":
        """What remains when only some times are kept; `kept` says which of `times`."""
        if not kept.any():
            return EMPTY
        lengths = np.add.reduceat(kept, self.clock_offsets, dtype=np.int64)
        values = self.values[kept[ranges(self.clock_offsets[self.clock], self.counts)]]
        left, rows = lengths > 0, lengths[self.clock] > 0
        renumbered = np.cumsum(left) - 1
        return Rows(
            self.series[rows],
            renumbered[self.clock[rows]],
            lengths[left],
            self.times[kept],
            values,
        )


NONE = np.empty(0, np.int64)
EMPTY = Rows(NONE, NONE, NONE, NONE, np.empty(0))


def starts_of(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.cumsum(lengths) - lengths


def ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers from each start on, as many as its length, one after another."""
    return np.repeat(starts - starts_of(lengths), lengths) + np.arange(lengths.sum())


def gathered(series: Ids, at_ms: Times, values: Values) -> Rows:
    """Rows of samples in any order; of two at the same time the one that comes first stays."""
    if not len(series):
        return EMPTY
    order = np.lexsort((at_ms, series))
    series, at_ms = series[order], at_ms[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (series[1:] != series[:-1]) | (at_ms[1:] != at_ms[:-1])
    series, at_ms, order = series[is_first], at_ms[is_first], order[is_first]
    begins = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
    counts = np.diff(np.r_[begins, len(series)])
    clock, lengths, times = _clocks(at_ms, begins, counts)
    return Rows(series[begins], clock, lengths, times, values[order])


def joined(pieces: Sequence[Rows]) -> Rows:
    """One row for each series of all pieces; at the same time the earlier piece's sample stays."""
    pieces = [piece for piece in pieces if len(piece.series)]
    if len(pieces) < 2:
        return pieces[0] if pieces else EMPTY
    segments = _Segments(pieces)
    crossing = segments.crossing_series()
    if not len(crossing):
        return segments.chained()
    mixed = [piece.of(crossing) for piece in pieces]
    untangled = gathered(
        np.concatenate([np.repeat(piece.series, piece.counts) for piece in mixed]),
        np.concatenate([piece.at_ms() for piece in mixed]),
        np.concatenate([piece.values for piece in mixed]),
    )
    return joined([*(_without(piece, crossing) for piece in pieces), untangled])


class _Segments:
    """The rows of several pieces, in the order of series and time."""

    def __init__(self, pieces: Sequence[Rows]) -> None:
        self.values = np.concatenate([piece.values for piece in pieces])
        known = _Clocks()
        self.clocks = known.times
        clock = np.concatenate([known.numbers_of(piece.clocks)[piece.clock] for piece in pieces])
        counts = np.concatenate([piece.counts for piece in pieces])
        series = np.concatenate([piece.series for piece in pieces])
        starts = np.array([times[0] for times in self.clocks])
        order = np.lexsort((starts[clock], series))
        self.series, self.clock, self.counts = series[order], clock[order], counts[order]
        self.offsets = starts_of(counts)[order]

    def crossing_series(self) -> Ids:
        """Series with two rows of which one begins before the other ends."""
        starts = np.array([times[0] for times in self.clocks])[self.clock]
        ends = np.array([times[-1] for times in self.clocks])[self.clock]
        crosses = (self.series[1:] == self.series[:-1]) & (starts[1:] <= ends[:-1])
        return np.unique(self.series[1:][crosses])

    def chained(self) -> Rows:
        """Each series' rows one after another."""
        begins = np.flatnonzero(np.r_[True, self.series[1:] != self.series[:-1]])
        rows = np.diff(np.r_[begins, len(self.series)])
        clock, chains = self._chains(begins, rows)
        known = _Clocks()
        numbers = known.numbers_of(
            np.concatenate([self.clocks[link] for link in chain]) for chain in chains
        )
        lengths = np.array([len(times) for times in known.times])
        return Rows(
            self.series[begins],
            numbers[clock],
            lengths,
            np.concatenate(known.times),
            self._values_in_order(),
        )

    def _chains(
        self, begins: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], list[tuple[int, ...]]]:
        """Which chain of clocks each series keeps, and the chains."""
        clock = np.empty(len(begins), np.int64)
        chains: list[tuple[int, ...]] = []
        for links in np.unique(rows):
            members = np.flatnonzero(rows == links)
            table = self.clock[begins[members][:, None] + np.arange(links)]
            found, which = np.unique(table, axis=0, return_inverse=True)
            clock[members] = which.reshape(-1) + len(chains)
            chains += map(tuple, found.tolist())
        return clock, chains

    def _values_in_order(self) -> Values:
        if np.array_equal(self.offsets, starts_of(self.counts)):
            return self.values
        return self.values[ranges(self.offsets, self.counts)]


class _Clocks:
    """Different runs of times, numbered as they come."""

    def __init__(self) -> None:
        self.times: list[Times] = []
        self._known: dict[bytes, int] = {}

    def numbers_of(self, runs: Iterable[Times]) -> npt.NDArray[np.int64]:
        return np.array([self._number_of(times) for times in runs], np.int64)

    def _number_of(self, times: Times) -> int:
        number = self._known.setdefault(times.tobytes(), len(self.times))
        if number == len(self.times):
            self.times.append(times)
        return number


def _without(piece: Rows, series: Ids) -> Rows:
    return piece.chosen(np.flatnonzero(~np.isin(piece.series, series)))


def _clocks(
    at_ms: Times, begins: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Times]:
    """Which clock each row keeps, the clocks' lengths, and their times."""
    clock = np.empty(len(begins), np.int64)
    known = _Clocks()
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        clock[rows] = known.numbers_of(at_ms[begins[rows][:, None] + np.arange(count)])
    return clock, np.array([len(times) for times in known.times]), np.concatenate(known.times)
