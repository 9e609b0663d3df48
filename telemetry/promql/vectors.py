"""What an expression is worth at every step of a query at once."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from telemetry.promql.errors import CannotEvaluate
from telemetry.store.frames import Times, Values

NAME = "__name__"
Labels = Mapping[str, str]
Mask = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Vector:
    """m series at s steps. What `values` holds where `present` is false means nothing."""

    labels: Sequence[Labels]  # m
    values: Values  # (m, s)
    present: Mask  # (m, s)

    @property
    def samples(self) -> int:
        return self.values.size

    def rows(self, chosen: Indexes) -> "Vector":
        labels = [self.labels[row] for row in chosen.tolist()]
        return Vector(labels, self.values[chosen], self.present[chosen])


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number a step."""

    values: Values  # (s,)

    @property
    def samples(self) -> int:
        return self.values.size


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    samples: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Windows:
    """The samples that a range selector sees at each step, staleness markers left out.

    All series lie end to end in `at_ms` and `values`, with one unused sample after the last;
    series i sees `[first[i, j]:end[i, j]]` at step j, between `starts_ms[j]` and `ends_ms[j]`.
    """

    labels: Sequence[Labels]  # m
    at_ms: Times  # (n + 1,)
    values: Values  # (n + 1,)
    first: Indexes  # (m, s)
    end: Indexes  # (m, s)
    starts_ms: Times  # (s,)
    ends_ms: Times  # (s,)

    @property
    def samples(self) -> int:
        """Where its windows begin and end takes as much room as samples do."""
        return self.values.size + self.first.size

    def at(self, steps: slice) -> "Windows":
        return replace(
            self,
            first=self.first[:, steps],
            end=self.end[:, steps],
            starts_ms=self.starts_ms[steps],
            ends_ms=self.ends_ms[steps],
        )


Value = Vector | Scalar | Text | Windows


def none(steps: int) -> Vector:
    return Vector([], np.empty((0, steps)), np.empty((0, steps), dtype=bool))


def key_of(labels: Labels) -> Hashable:
    return frozenset(labels.items())


def numbered(keys: Iterable[Hashable]) -> tuple[Indexes, int]:
    """Equal keys get the same number, in the order of their coming; and how many numbers."""
    numbers: dict[Hashable, int] = {}
    each = [numbers.setdefault(key, len(numbers)) for key in keys]
    return np.array(each, dtype=np.intp), len(numbers)


def without_name(labels: Sequence[Labels]) -> list[Labels]:
    return [{key: value for key, value in each.items() if key != NAME} for each in labels]


def nameless(vector: Vector, *, ever: bool = False) -> Vector:
    """Without the metric's name; series that are told apart by it alone become one.

    Raises CannotEvaluate when two of them are there at a time; with `ever`, at any two times.
    """
    names = {each.get(NAME) for each in vector.labels}
    bare = replace(vector, labels=without_name(vector.labels))
    if len(names) < 2:
        return bare
    return _distinct(bare) if ever else merged(bare)


def merged(vector: Vector) -> Vector:
    """Rows with equal labels become one. Raises CannotEvaluate when two are there at a time."""
    numbers, count = numbered(map(key_of, vector.labels))
    if count == len(vector.labels):
        return vector
    at_once = np.zeros((count, vector.values.shape[1]), dtype=np.intp)
    np.add.at(at_once, numbers, vector.present)
    if (at_once > 1).any():
        raise_same_labels()
    values = np.zeros(at_once.shape)
    rows, steps = np.nonzero(vector.present)
    values[numbers[rows], steps] = vector.values[rows, steps]
    _, firsts = np.unique(numbers, return_index=True)
    return Vector([vector.labels[row] for row in firsts.tolist()], values, at_once > 0)


def _distinct(vector: Vector) -> Vector:
    there = list(compress(vector.labels, np.any(vector.present, axis=1)))
    if len(set(map(key_of, there))) < len(there):
        raise_same_labels()
    return vector


def raise_same_labels() -> None:
    raise CannotEvaluate("vector cannot contain metrics with the same labelset")
