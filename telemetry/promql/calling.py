"""The functions there are, by name, and how each takes its arguments."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import promql_parser as promql

from telemetry.promql.absence import absent
from telemetry.promql.histograms import histogram_quantile
from telemetry.promql.instant_functions import DATE_FUNCTIONS, INSTANT_FUNCTIONS, clamp
from telemetry.promql.label_functions import label_join, label_replace
from telemetry.promql.range_functions import RANGE_FUNCTIONS, RangeFunction
from telemetry.promql.vectors import Scalar, Value, Vector, Windows, nameless
from telemetry.store.frames import Times, Values

Arguments = Sequence[promql.Expr]


class Evaluation(Protocol):
    """What a function may ask of the query that it is called in."""

    @property
    def times(self) -> Times: ...
    def demand_time(self) -> None: ...
    def value_of(self, node: promql.Expr) -> Value: ...
    def vector(self, node: promql.Expr) -> Vector: ...
    def scalar(self, node: promql.Expr) -> Values: ...
    def text(self, node: promql.Expr) -> str: ...
    def windows(self, node: promql.Expr) -> Windows: ...
    def seconds_of(self, node: promql.Expr) -> Vector: ...


Function = Callable[[Evaluation, Arguments], Value]


def _of_range(function: RangeFunction) -> Function:
    def call(query: Evaluation, arguments: Arguments) -> Vector:
        return function(query.windows(arguments[0]), demand_time=query.demand_time)

    return call


def _of_values(compute: Callable[..., Values]) -> Callable[[Evaluation, Arguments], Vector]:
    def call(query: Evaluation, arguments: Arguments) -> Vector:
        vector = query.vector(arguments[0])
        values = compute(vector.values, *map(query.scalar, arguments[1:]))
        return nameless(Vector(vector.labels, values, vector.present))

    return call


def _of_date(compute: Callable[..., Values]) -> Function:
    """Without an argument, of the time the query is about."""

    def call(query: Evaluation, arguments: Arguments) -> Vector:
        if arguments:
            return of_values(query, arguments)
        return _alone(compute(query.times / 1000))

    of_values = _of_values(compute)
    return call


def _alone(values: Values) -> Vector:
    return Vector([{}], values[None, :], np.ones((1, values.size), dtype=bool))


def _quantile_over_time(query: Evaluation, arguments: Arguments) -> Vector:
    wanted, seen = arguments
    quantiles = RANGE_FUNCTIONS["quantile_over_time"]
    return quantiles(query.windows(seen), query.scalar(wanted), demand_time=query.demand_time)


def _clamp(query: Evaluation, arguments: Arguments) -> Vector:
    """Between bounds that contradict each other nothing lies."""
    vector = query.vector(arguments[0])
    low, high = map(query.scalar, arguments[1:])
    values = clamp(vector.values, low, high)
    return nameless(Vector(vector.labels, values, vector.present & ~(high < low)))


def _absent(query: Evaluation, arguments: Arguments) -> Vector:
    return absent(np.asarray(query.vector(arguments[0]).present.any(axis=0)), arguments[0])


def _absent_over_time(query: Evaluation, arguments: Arguments) -> Vector:
    seen = query.windows(arguments[0])
    return absent(np.asarray((seen.end > seen.first).any(axis=0)), arguments[0])


def _histogram_quantile(query: Evaluation, arguments: Arguments) -> Vector:
    return histogram_quantile(query.scalar(arguments[0]), query.vector(arguments[1]))


def _label_replace(query: Evaluation, arguments: Arguments) -> Vector:
    return label_replace(query.vector(arguments[0]), *map(query.text, arguments[1:]))


def _label_join(query: Evaluation, arguments: Arguments) -> Vector:
    return label_join(query.vector(arguments[0]), *map(query.text, arguments[1:]))


def _scalar(query: Evaluation, arguments: Arguments) -> Scalar:
    """NaN unless exactly one series is there."""
    vector = query.vector(arguments[0])
    values = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return Scalar(np.where(vector.present.sum(axis=0) == 1, values, np.nan))


def _vector(query: Evaluation, arguments: Arguments) -> Vector:
    return _alone(query.scalar(arguments[0]))


def _time(query: Evaluation, arguments: Arguments) -> Scalar:
    return Scalar(query.times / 1000)


def _timestamp(query: Evaluation, arguments: Arguments) -> Vector:
    return nameless(query.seconds_of(arguments[0]))


def _sorted(*, is_descending: bool) -> Function:
    """By value, NaN last, when there is one step; more than one have no order in common."""

    def call(query: Evaluation, arguments: Arguments) -> Vector:
        vector = query.vector(arguments[0])
        if query.times.size > 1:
            return vector
        values = vector.values[:, 0]
        return vector.rows(np.argsort(-values if is_descending else values, kind="stable"))

    return call


FUNCTIONS: dict[str, Function] = {
    **{name: _of_range(function) for name, function in RANGE_FUNCTIONS.items()},
    **{name: _of_values(compute) for name, compute in INSTANT_FUNCTIONS.items()},
    **{name: _of_date(compute) for name, compute in DATE_FUNCTIONS.items()},
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "clamp": _clamp,
    "histogram_quantile": _histogram_quantile,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "quantile_over_time": _quantile_over_time,
    "scalar": _scalar,
    "sort": _sorted(is_descending=False),
    "sort_desc": _sorted(is_descending=True),
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
}
