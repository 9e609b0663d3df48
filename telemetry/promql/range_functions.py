"""Functions of what lies in a window, as Prometheus 2.42 computes them.

Each takes windows and the other arguments, and gives (m, s); what it gives for a window with fewer
samples than it needs is not looked at.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from telemetry.promql.quantiles import quantile
from telemetry.promql.vectors import Indexes, Mask, Vector, Windows, nameless
from telemetry.store.frames import Values

CELLS_AT_ONCE = 2_000_000
QUICKLY, SLOWLY = 200_000_000, 10_000_000  # samples in less than a second
DOUBTFUL_CANCELLATION = 1e4
Compute = Callable[..., Values]


@dataclass(frozen=True, slots=True)
class RangeFunction:
    compute: Compute
    least_samples: int = 1
    keeps_name: bool = False
    samples_at_once: int = QUICKLY

    def __call__(
        self, seen: Windows, *arguments: Values, demand_time: Callable[[], None]
    ) -> Vector:
        present = seen.end - seen.first >= self.least_samples
        values = np.empty(present.shape)
        for steps in _pieces(seen, self.samples_at_once) if seen.labels else ():
            demand_time()
            of_steps = (argument[steps] for argument in arguments)
            values[:, steps] = self.compute(seen.at(steps), *of_steps)
        vector = Vector(seen.labels, values, present)
        return vector if self.keeps_name else nameless(vector, ever=True)


def _pieces(seen: Windows, samples: int) -> Iterator[slice]:
    """Steps whose windows together hold about so many samples."""
    held = np.cumsum((seen.end - seen.first).sum(axis=0)) // samples
    starts = np.flatnonzero(np.diff(held, prepend=-1)).tolist()
    return (slice(start, stop) for start, stop in pairwise([*starts, held.size]))


def _reduce(ufunc: np.ufunc, values: Values, first: Indexes, end: Indexes) -> Values:
    """`values` has one sample more than any window reaches; `end` is at least `first`."""
    bounds = np.stack([first, end], axis=-1).ravel()
    reduced: Values = ufunc.reduceat(values, bounds)[::2]
    return reduced.reshape(first.shape)


def _count(seen: Windows) -> Values:
    return (seen.end - seen.first).astype(np.float64)


def _inside(seen: Windows, index: Indexes) -> Indexes:
    """Of windows that are too small, indexes may point anywhere."""
    return np.clip(index, 0, seen.values.size - 1)


def _first(seen: Windows) -> Values:
    return seen.values[seen.first]


def _last(seen: Windows) -> Values:
    return seen.values[_inside(seen, seen.end - 1)]


def _sum(seen: Windows) -> Values:
    """Where terms almost cancel out, the digits that plain addition loses are looked for."""
    total = _reduce(np.add, seen.values, seen.first, seen.end)
    size = _reduce(np.add, np.abs(seen.values), seen.first, seen.end)
    doubtful = (seen.end > seen.first) & (np.abs(total) * DOUBTFUL_CANCELLATION < size)
    doubtful &= np.isfinite(size)
    for row, step in np.argwhere(doubtful).tolist():
        window = seen.values[seen.first[row, step] : seen.end[row, step]]
        total[row, step] = math.fsum(window.tolist())
    return total


def _average(seen: Windows) -> Values:
    """A sum of large numbers may overflow where their mean does not."""
    mean = _sum(seen) / _count(seen)
    for row, step in np.argwhere(np.isinf(mean)).tolist():
        window = seen.values[seen.first[row, step] : seen.end[row, step]]
        mean[row, step] = (window / window.size).sum()
    return mean


def _extreme(ufunc: np.ufunc, seen: Windows) -> Values:
    return _reduce(ufunc, seen.values, seen.first, seen.end)


def _pairs(seen: Windows, marked: Mask) -> Values:
    """How many neighbours within a window are marked; `marked[i]` is about i and i + 1."""
    before = np.concatenate([[0], np.cumsum(marked), [0]])
    counted = before[np.maximum(seen.end - 1, seen.first)] - before[seen.first]
    return np.asarray(counted, dtype=np.float64)


def _resets(seen: Windows) -> Values:
    return _pairs(seen, seen.values[1:] < seen.values[:-1])


def _changes(seen: Windows) -> Values:
    before, after = seen.values[:-1], seen.values[1:]
    return _pairs(seen, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def _fallen(seen: Windows) -> Values | float:
    """The sum of the values after which a counter began anew."""
    before, after = seen.values[:-1], seen.values[1:]
    lost = np.concatenate([np.where(after < before, before, 0.0), [0.0]])
    end = np.maximum(seen.end - 1, seen.first)
    fallen = _reduce(np.add, lost, seen.first, end)
    return np.where(end > seen.first, fallen, 0.0)


def _extrapolated(seen: Windows, *, is_counter: bool, per_second: bool) -> Values:
    """A window's rise, extended towards the window's ends as far as samples could be expected."""
    first, last = _first(seen), _last(seen)
    first_ms = seen.at_ms[seen.first]
    last_ms = seen.at_ms[_inside(seen, seen.end - 1)]
    rise = last - first
    sampled = (last_ms - first_ms) / 1000
    to_start = (first_ms - seen.starts_ms) / 1000
    to_end = (seen.ends_ms - last_ms) / 1000
    between = sampled / (_count(seen) - 1)
    if is_counter:
        rise = rise + _fallen(seen)
        to_zero = sampled * (first / rise)
        starts_at_zero = (rise > 0) & (first >= 0) & (to_zero < to_start)
        to_start = np.where(starts_at_zero, to_zero, to_start)
    reach = between * 1.1
    covered = sampled + np.where(to_start < reach, to_start, between / 2)
    covered = covered + np.where(to_end < reach, to_end, between / 2)
    factor = covered / sampled
    if per_second:
        factor = factor / ((seen.ends_ms - seen.starts_ms) / 1000)
    return rise * factor


def _instant(seen: Windows, *, is_rate: bool) -> Values:
    """From the last two samples alone."""
    newest, older = _inside(seen, seen.end - 1), _inside(seen, seen.end - 2)
    last, before = seen.values[newest], seen.values[older]
    if not is_rate:
        return last - before
    elapsed_ms = seen.at_ms[newest] - seen.at_ms[older]
    return np.where(last < before, last, last - before) / (elapsed_ms / 1000)


def _gathered(seen: Windows) -> Iterator[tuple[Indexes, Indexes, Mask]]:
    """Windows beside each other, some at a time: which, indexes (k, w), and which are real.

    The longest come first, as short ones take as much room as the longest beside them.
    """
    first, end = seen.first.ravel(), seen.end.ravel()
    waiting = np.argsort(first - end, kind="stable")
    while waiting.size:
        longest = max(1, int(end[waiting[0]] - first[waiting[0]]))
        cells, waiting = np.split(waiting, [max(1, CELLS_AT_ONCE // longest)])
        index = first[cells] + np.arange(longest)[:, None]
        real = index < end[cells]
        yield cells, np.where(real, index, 0), real


def _variance(seen: Windows) -> Values:
    """Measured from each window's lowest value, so that equal values vary by exactly nothing."""
    lowest = _extreme(np.fmin, seen).ravel()
    count = _count(seen).ravel()
    variance = np.empty(lowest.shape)
    for cells, index, real in _gathered(seen):
        above = np.where(real, seen.values[index] - lowest[cells], 0.0)
        from_mean = np.where(real, above - above.sum(axis=0) / count[cells], 0.0)
        variance[cells] = (from_mean**2).sum(axis=0) / count[cells]
    return variance.reshape(seen.first.shape)


def _deviation(seen: Windows) -> Values:
    return np.sqrt(_variance(seen))


def _slope(seen: Windows) -> Values:
    """By least squares, in units a second."""
    slope = np.empty(seen.first.size)
    for cells, index, real in _gathered(seen):
        count = real.sum(axis=0)
        values = seen.values[index]
        x = np.where(real, (seen.at_ms[index] - seen.at_ms[index[0]]) / 1000, 0.0)
        y = np.where(real, values - values[0], 0.0)
        from_mean = np.where(real, x - x.sum(axis=0) / count, 0.0)
        slope[cells] = (from_mean * y).sum(axis=0) / (from_mean**2).sum(axis=0)
    return slope.reshape(seen.first.shape)


def _quantile(seen: Windows, wanted: Values) -> Values:
    result = np.empty(seen.first.size)
    wanted_each = np.broadcast_to(wanted, seen.first.shape).ravel()
    for cells, index, real in _gathered(seen):
        result[cells] = quantile(wanted_each[cells], seen.values[index], real)
    return result.reshape(seen.first.shape)


def _one(seen: Windows) -> Values:
    return np.ones(seen.first.shape)


RANGE_FUNCTIONS: dict[str, RangeFunction] = {
    "rate": RangeFunction(partial(_extrapolated, is_counter=True, per_second=True), 2),
    "increase": RangeFunction(partial(_extrapolated, is_counter=True, per_second=False), 2),
    "delta": RangeFunction(partial(_extrapolated, is_counter=False, per_second=False), 2),
    "irate": RangeFunction(partial(_instant, is_rate=True), 2),
    "idelta": RangeFunction(partial(_instant, is_rate=False), 2),
    "deriv": RangeFunction(_slope, 2, samples_at_once=SLOWLY),
    "resets": RangeFunction(_resets),
    "changes": RangeFunction(_changes),
    "avg_over_time": RangeFunction(_average, samples_at_once=SLOWLY),
    "min_over_time": RangeFunction(partial(_extreme, np.fmin)),
    "max_over_time": RangeFunction(partial(_extreme, np.fmax)),
    "sum_over_time": RangeFunction(_sum, samples_at_once=SLOWLY),
    "count_over_time": RangeFunction(_count),
    "last_over_time": RangeFunction(_last, keeps_name=True),
    "present_over_time": RangeFunction(_one),
    "stddev_over_time": RangeFunction(_deviation, samples_at_once=SLOWLY),
    "stdvar_over_time": RangeFunction(_variance, samples_at_once=SLOWLY),
    "quantile_over_time": RangeFunction(_quantile, samples_at_once=SLOWLY),
}
