"""Vectors with vectors: which series of one side belongs to which of the other.

https://prometheus.io/docs/prometheus/2.42/querying/operators/#vector-matching
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from telemetry.promql.errors import CannotEvaluate, TooMuchAsked
from telemetry.promql.operators import ARITHMETIC, COMPARISONS, drops_name
from telemetry.promql.vectors import (
    NAME,
    Indexes,
    Labels,
    Mask,
    Vector,
    key_of,
    merged,
    none,
    numbered,
    without_name,
)

MOST_CELLS = 10_000_000
ONE_SIDE_ONLY = "many-to-many matching not allowed: matching labels must be unique on one side"
NOT_EXPLICIT = (
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
)
NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches"


@dataclass(frozen=True, slots=True)
class Matching:
    """`on` these labels, or on all but these; `many` is the side of which several may match one."""

    names: Sequence[str] = ()
    is_on: bool = False
    many: Literal["left", "right"] | None = None
    included: Sequence[str] = ()

    def signature(self, labels: Labels) -> Hashable:
        if self.is_on:
            return tuple(labels.get(name, "") for name in self.names)
        ignored = {NAME, *self.names}
        return frozenset(pair for pair in labels.items() if pair[0] not in ignored)

    def group(self, labels: Labels) -> Labels:
        """What the signature stands for."""
        return {
            name: value
            for name, value in labels.items()
            if (name in self.names) == self.is_on and (self.is_on or name != NAME)
        }

    def labels(self, many: Labels, one: Labels, *, keeps_name: bool) -> Labels:
        found = dict(many) if keeps_name else dict(without_name([many])[0])
        if self.many is None:
            kept = [name for name in found if (name in self.names) == self.is_on]
            found = {name: found[name] for name in kept}
        for name in self.included:
            found.pop(name, None)
            if value := one.get(name):
                found[name] = value
        return found


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which rows of both sides have the same signature: `left[i]` with `right[i]`."""

    left: Indexes
    right: Indexes
    signature: Indexes


def combined(
    operator: str, left: Vector, right: Vector, matching: Matching, *, as_number: bool
) -> Vector:
    """Arithmetic or a comparison. Raises CannotEvaluate where a match is not clear."""
    many, one = (right, left) if matching.many == "right" else (left, right)
    pairs = _paired(many, one, matching)
    if not pairs.left.size:
        return none(left.values.shape[1])
    sides = many.values[pairs.left], one.values[pairs.right]
    present = many.present[pairs.left] & one.present[pairs.right]
    operands = sides[::-1] if matching.many == "right" else sides
    if operator in ARITHMETIC:
        values = ARITHMETIC[operator](*operands)
    else:
        is_so = COMPARISONS[operator](*operands)
        values = is_so.astype(np.float64) if as_number else operands[0]
        present = present if as_number else present & is_so
    keeps_name = not (drops_name(operator) or as_number)
    labels = _labels(pairs, many, one, matching, keeps_name=keeps_name)
    found = Vector(labels, values, present)
    _demand_unique(found, pairs, matching)
    return merged(found)


def _paired(many: Vector, one: Vector, matching: Matching) -> Pairs:
    signatures = [matching.signature(each) for each in (*many.labels, *one.labels)]
    numbers, _ = numbered(signatures)
    of_many, of_one = np.split(numbers, [len(many.labels)])
    _demand_one(many, one, of_one, matching)
    order = np.argsort(of_one, kind="stable")
    starts = np.searchsorted(of_one[order], of_many, "left")
    counts = np.searchsorted(of_one[order], of_many, "right") - starts
    _check_size(int(counts.sum()) * many.values.shape[1])
    left = np.repeat(np.arange(of_many.size), counts)
    nth = np.arange(left.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return Pairs(left, order[starts[left] + nth], of_many[left])


def _demand_one(many: Vector, one: Vector, of_one: Indexes, matching: Matching) -> None:
    """Where nothing is on the other side, nothing is compared, and nobody minds."""
    clash = _clash(one.present & many.present.any(axis=0), of_one)
    if clash is None:
        return
    first, second = (one.labels[row] for row in clash)
    side = "left" if matching.many == "right" else "right"
    raise CannotEvaluate(
        f"found duplicate series for the match group {_written(matching.group(first))} on the "
        f"{side} hand-side of the operation: [{_written(second)}, {_written(first)}]"
        f";{ONE_SIDE_ONLY}"
    )


def _demand_unique(found: Vector, pairs: Pairs, matching: Matching) -> None:
    if matching.many is None:
        if _clash(found.present, pairs.signature) is not None:
            raise CannotEvaluate(NOT_EXPLICIT)
        return
    keys = zip(pairs.signature.tolist(), map(key_of, found.labels), strict=True)
    if _clash(found.present, numbered(keys)[0]) is not None:
        raise CannotEvaluate(NOT_UNIQUE)


def _clash(present: Mask, numbers: Indexes) -> tuple[int, int] | None:
    """The first two rows of one number that are there at one step."""
    _, starts, sizes = np.unique(np.sort(numbers), return_index=True, return_counts=True)
    if not (sizes > 1).any():
        return None
    order = np.argsort(numbers, kind="stable")
    at_once = np.add.reduceat(present[order], starts, axis=0, dtype=np.intp)
    found = np.argwhere(at_once > 1)
    if not found.size:
        return None
    group, step = found[0].tolist()
    rows = order[starts[group] : starts[group] + sizes[group]]
    first, second = rows[present[rows, step]][:2].tolist()
    return first, second


def _labels(
    pairs: Pairs, many: Vector, one: Vector, matching: Matching, *, keeps_name: bool
) -> list[Labels]:
    rows = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    return [
        matching.labels(many.labels[row], one.labels[other], keeps_name=keeps_name)
        for row, other in rows
    ]


def _written(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


def _check_size(cells: int) -> None:
    if cells > MOST_CELLS:
        raise TooMuchAsked(
            f"the match would give {cells} samples, at most {MOST_CELLS} are allowed"
        )


def intersection(left: Vector, right: Vector, matching: Matching) -> Vector:
    return replace(left, present=left.present & _has_match(left, right, matching))


def difference(left: Vector, right: Vector, matching: Matching) -> Vector:
    return replace(left, present=left.present & ~_has_match(left, right, matching))


def union(left: Vector, right: Vector, matching: Matching) -> Vector:
    added = right.present & ~_has_match(right, left, matching)
    labels = [*left.labels, *right.labels]
    values = np.concatenate([left.values, right.values])
    return merged(Vector(labels, values, np.concatenate([left.present, added])))


def _has_match(vector: Vector, other: Vector, matching: Matching) -> Mask:
    """Where a series of the other side with the same signature is there."""
    signatures = [matching.signature(each) for each in (*vector.labels, *other.labels)]
    numbers, count = numbered(signatures)
    own, of_other = np.split(numbers, [len(vector.labels)])
    there = np.zeros((count, vector.present.shape[1]), dtype=bool)
    np.logical_or.at(there, of_other, other.present)
    return there[own]


SET_OPERATORS: dict[str, Callable[[Vector, Vector, Matching], Vector]] = {
    "and": intersection,
    "or": union,
    "unless": difference,
}
