"""Arithmetic and comparison of numbers, and of vectors with numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from telemetry.promql.vectors import Mask, Scalar, Vector, nameless
from telemetry.store.frames import Values

ARITHMETIC: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: dict[str, Callable[[Values, Values], Mask]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def drops_name(operator: str) -> bool:
    """What is calculated is no longer that metric; atan2 was forgotten, until Prometheus 3."""
    return operator in ARITHMETIC and operator != "atan2"


def of_scalars(operator: str, left: Scalar, right: Scalar) -> Scalar:
    compute = ARITHMETIC.get(operator) or COMPARISONS[operator]
    return Scalar(np.asarray(compute(left.values, right.values), dtype=np.float64))


@dataclass(frozen=True, slots=True)
class WithScalar:
    """Each value of a vector with the step's number. A comparison filters the vector, or with
    `as_number` is 0 or 1 each."""

    operator: str
    as_number: bool

    def __call__(self, vector: Vector, left: Values, right: Values) -> Vector:
        if self.operator in ARITHMETIC:
            found = replace(vector, values=ARITHMETIC[self.operator](left, right))
            return nameless(found) if drops_name(self.operator) else found
        is_so = COMPARISONS[self.operator](left, right)
        if self.as_number:
            return nameless(replace(vector, values=is_so.astype(np.float64)))
        return replace(vector, present=vector.present & is_so)


def negated(vector: Vector) -> Vector:
    return nameless(Vector(vector.labels, -vector.values, vector.present), ever=True)
