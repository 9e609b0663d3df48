"""Many series become few: `sum by (job)` and its like, at every step at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.promql.errors import CannotEvaluate
from telemetry.promql.numbers import plain_text
from telemetry.promql.quantiles import quantile
from telemetry.promql.vectors import NAME, Indexes, Labels, Mask, Vector, numbered
from telemetry.store.frames import Values

SAMPLES_BESIDE_LABELS = 32  # are as large as the labels of a series
LARGEST_INTEGER = 9223372036854774784.0


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by` these labels, or `without` them."""

    names: Sequence[str] = ()
    is_without: bool = False

    def of(self, labels: Labels) -> Labels:
        if self.is_without:
            dropped = {NAME, *self.names}
            return {name: value for name, value in labels.items() if name not in dropped}
        return {name: labels[name] for name in self.names if labels.get(name)}

    def and_by(self, name: str) -> "Grouping":
        return self if self.is_without else Grouping([*self.names, name])


@dataclass(frozen=True, slots=True)
class Groups:
    """The rows of a vector, sorted by group."""

    labels: list[Labels]  # g
    order: Indexes  # (m,)
    starts: Indexes  # (g,)

    def reduce(self, ufunc: np.ufunc, rows: Values) -> Values:
        if len(self.labels) == 1:
            one: Values = ufunc.reduce(rows, axis=0, keepdims=True)
            return one
        many: Values = ufunc.reduceat(rows[self.order], self.starts, axis=0)
        return many

    def is_there(self, vector: Vector) -> Mask:
        return self.reduce(np.add, vector.present.astype(np.float64)) > 0

    def spread(self, values: Values) -> Values:
        """What a group has, for each of its rows in their first order."""
        each = np.empty((self.order.size, values.shape[1]))
        sizes = np.diff([*self.starts, self.order.size])
        each[self.order] = np.repeat(values, sizes, axis=0)
        return each

    def members(self) -> Iterable[Indexes]:
        return np.split(self.order, self.starts[1:])


def grouped(labels: Sequence[Labels], grouping: Grouping) -> Groups:
    if not grouping.names and not grouping.is_without:
        return Groups([{}], np.arange(len(labels)), np.zeros(1, dtype=np.intp))
    names = list(map(grouping.of, labels))
    numbers, count = numbered(frozenset(each.items()) for each in names)
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(count))
    return Groups([names[row] for row in order[starts].tolist()], order, starts)


def _count(groups: Groups, vector: Vector) -> Values:
    return groups.reduce(np.add, vector.present.astype(np.float64))


def _sum(groups: Groups, vector: Vector) -> Values:
    return groups.reduce(np.add, _or(vector, 0.0))


def _average(groups: Groups, vector: Vector) -> Values:
    """A sum of large numbers may overflow where their mean does not."""
    count = _count(groups, vector)
    mean = _sum(groups, vector) / count
    if np.isinf(mean).any():
        return groups.reduce(np.add, _or(vector, 0.0) / groups.spread(count))
    return mean


def _least(groups: Groups, vector: Vector) -> Values:
    return groups.reduce(np.fmin, _or(vector, np.nan))


def _greatest(groups: Groups, vector: Vector) -> Values:
    return groups.reduce(np.fmax, _or(vector, np.nan))


def _one(groups: Groups, vector: Vector) -> Values:
    return np.ones((len(groups.labels), vector.values.shape[1]))


def _variance(groups: Groups, vector: Vector) -> Values:
    """Measured from the lowest, so that equal values vary by exactly nothing; nor does one alone,
    whatever it is."""
    count = _count(groups, vector)
    above = vector.values - groups.spread(_least(groups, vector))
    mean = groups.reduce(np.add, np.where(vector.present, above, 0.0)) / count
    squares = np.where(vector.present, (above - groups.spread(mean)) ** 2, 0.0)
    return np.where(count == 1, 0.0, groups.reduce(np.add, squares) / count)


def _deviation(groups: Groups, vector: Vector) -> Values:
    return np.sqrt(_variance(groups, vector))


def _or(vector: Vector, absent: float) -> Values:
    return (
        vector.values if vector.present.all() else np.where(vector.present, vector.values, absent)
    )


AGGREGATIONS: dict[str, Callable[[Groups, Vector], Values]] = {
    "avg": _average,
    "count": _count,
    "group": _one,
    "max": _greatest,
    "min": _least,
    "stddev": _deviation,
    "stdvar": _variance,
    "sum": _sum,
}


def aggregate(operator: str, vector: Vector, grouping: Grouping) -> Vector:
    if not vector.labels:
        return vector
    groups = grouped(vector.labels, grouping)
    values = AGGREGATIONS[operator](groups, vector)
    return Vector(groups.labels, values, groups.is_there(vector))


def quantiles(vector: Vector, wanted: Values, grouping: Grouping) -> Vector:
    if not vector.labels:
        return vector
    groups = grouped(vector.labels, grouping)
    values = [quantile(wanted, vector.values[g], vector.present[g]) for g in groups.members()]
    return Vector(groups.labels, np.array(values), groups.is_there(vector))


def extremes(vector: Vector, many: Values, grouping: Grouping, *, is_top: bool) -> Vector:
    """The `many` (s,) largest or smallest of each group, with their own labels.

    At a single step they come in their order.
    """
    if not vector.labels:
        return vector
    places = _whole(many)
    groups = grouped(vector.labels, grouping)
    chosen = np.zeros(vector.present.shape, dtype=bool)
    in_order: list[Indexes] = []
    for members in groups.members():
        order = members[_ranking(vector, members, is_top=is_top)]
        within = np.arange(len(members))[:, None] < places
        np.put_along_axis(chosen, order, within, axis=0)
        in_order.append(order[:, 0])
    best = Vector(vector.labels, vector.values, chosen & vector.present)
    return best.rows(np.concatenate(in_order)) if places.size == 1 else best


def _ranking(vector: Vector, members: Indexes, *, is_top: bool) -> Indexes:
    """NaN after every number, and what is absent after that."""
    values, present = vector.values[members], vector.present[members]
    after = np.where(present, np.isnan(values), 2)
    return np.lexsort((-values if is_top else values, after), axis=0)


def _whole(many: Values) -> Indexes:
    for value in many[~(np.abs(many) <= LARGEST_INTEGER)].tolist():
        raise CannotEvaluate(f"Scalar value {plain_text(value)} overflows int64")
    return np.trunc(many).astype(np.intp)


def count_values(
    name: str, vector: Vector, grouping: Grouping, demand_room: Callable[[int], None]
) -> Vector:
    """How often each value is there; the value, as a text, is in the label `name`."""
    rows, steps = np.nonzero(vector.present)
    bits = np.ascontiguousarray(vector.values[rows, steps]).view(np.int64)
    distinct, which = np.unique(bits, return_inverse=True)
    demand_room(distinct.size * vector.values.shape[1])
    texts = [plain_text(value) for value in distinct.view(np.float64).tolist()]
    pairs, of_pair = np.unique(rows * distinct.size + which, return_inverse=True)
    demand_room(pairs.size * SAMPLES_BESIDE_LABELS)
    rows_and_values = zip(*(each.tolist() for each in divmod(pairs, distinct.size)), strict=True)
    labels = [
        grouping.and_by(name).of({**vector.labels[row], name: texts[value]})
        for row, value in rows_and_values
    ]
    numbers, count = numbered(frozenset(each.items()) for each in labels)
    demand_room(count * vector.values.shape[1])
    counts = np.zeros((count, vector.values.shape[1]))
    np.add.at(counts, (numbers[of_pair], steps), 1)
    _, firsts = np.unique(numbers, return_index=True)
    return Vector([labels[first] for first in firsts.tolist()], counts, counts > 0)
