"""The tree of a query, worth something at every step at once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar, cast

import numpy as np
import promql_parser as promql

from telemetry.promql import aggregating, operators
from telemetry.promql.aggregating import AGGREGATIONS, Grouping
from telemetry.promql.calling import FUNCTIONS
from telemetry.promql.errors import InvalidQuery, TookTooLong, TooMuchAsked
from telemetry.promql.matching import SET_OPERATORS, Matching, combined
from telemetry.promql.selecting import LOOKBACK_MS, newest, windows, windows_of
from telemetry.promql.vectors import Scalar, Text, Value, Vector, Windows, none
from telemetry.store.frames import Frame, Matcher, Times, Values

SUBQUERY_STEP_MS = 60_000
PARAMETRIC = ("bottomk", "count_values", "quantile", "topk")
KNOWN = frozenset([*FUNCTIONS, *AGGREGATIONS, *PARAMETRIC])
Operator = Literal["=", "!=", "=~", "!~"]
_OPERATORS: dict[str, Operator] = {  # the parser's own are not hashable
    str(promql.MatchOp.Equal): "=",
    str(promql.MatchOp.NotEqual): "!=",
    str(promql.MatchOp.Re): "=~",
    str(promql.MatchOp.NotRe): "!~",
}
_MANY: dict[str, Literal["left", "right"]] = {
    str(promql.VectorMatchCardinality.ManyToOne): "left",
    str(promql.VectorMatchCardinality.OneToMany): "right",
}


class Metrics(Protocol):
    """The part of a store that a query needs."""

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int
    ) -> Sequence[Frame]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float = 10.0
    samples: int = 10_000_000
    steps: int = 11_000


@dataclass
class Held:
    """How many samples a whole query has in memory, from the store and of its own making."""

    most: int
    selected: int = 0
    values: int = 0  # of nodes whose parent is still under way

    def add_selected(self, samples: int) -> None:
        self.selected += samples
        self._demand_moderation(self.selected)

    def demand_room(self, samples: int) -> None:
        self._demand_moderation(self.values + samples)

    def _demand_moderation(self, samples: int) -> None:
        if samples > self.most:
            raise TooMuchAsked(
                f"query processing would load {samples} samples into memory, "
                f"{self.most} are allowed; "
                "ask for a shorter time, larger steps or fewer series"
            )


@dataclass
class Query:
    """One question under way; subqueries share what was selected, and the limits."""

    metrics: Metrics
    times: Times
    held: Held
    asked_ms: tuple[int, int]  # of the whole question; what start() and end() mean
    deadline: float
    selected: dict[Any, Sequence[Frame]] = field(default_factory=dict)

    def value_of(self, node: promql.Expr) -> Value:
        """Its operands are held until it is there, and it until its parent is."""
        self.demand_time()
        node, before = _bare(node), self.held.values
        value = _DEEDS[type(node)](self, node)
        self.held.demand_room(value.samples)
        self.held.values = before + value.samples
        return value

    def demand_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise TookTooLong("query timed out in expression evaluation")

    def vector(self, node: promql.Expr) -> Vector:
        return _as(Vector, self.value_of(node))

    def scalar(self, node: promql.Expr) -> Values:
        return _as(Scalar, self.value_of(node)).values

    def text(self, node: promql.Expr) -> str:
        return _as(Text, self.value_of(node)).value

    def windows(self, node: promql.Expr) -> Windows:
        return _as(Windows, self.value_of(node))

    def seconds_of(self, node: promql.Expr) -> Vector:
        """When the samples of a selector were measured; of anything else, the steps' own times."""
        node = _bare(node)
        if isinstance(node, promql.VectorSelector):
            vector, seconds = newest(*self._seen(node, LOOKBACK_MS))
        else:
            vector = self.vector(node)
            seconds = np.broadcast_to(self.times / 1000, vector.values.shape)
        return replace(vector, values=seconds)

    def number(self, node: promql.NumberLiteral) -> Scalar:
        return Scalar(np.full(self.times.size, node.val))

    def literal(self, node: promql.StringLiteral) -> Text:
        return Text(node.val)

    def selector(self, node: promql.VectorSelector) -> Vector:
        return newest(*self._seen(node, LOOKBACK_MS))[0]

    def range_selector(self, node: promql.MatrixSelector) -> Windows:
        range_ms = _milliseconds(node.range)
        return windows(*self._seen(node.vector_selector, range_ms), range_ms)

    def subquery(self, node: promql.SubqueryExpr) -> Windows:
        """The inner expression at multiples of the step, whenever it is asked."""
        moments, range_ms = self._moments(node.at, node.offset), _milliseconds(node.range)
        step_ms = _milliseconds(node.step) or SUBQUERY_STEP_MS
        first = -(-(int(moments[0]) - range_ms) // step_ms) * step_ms
        self.held.demand_room((int(moments[-1]) - first) // step_ms + 1)
        times = np.arange(first, int(moments[-1]) + 1, step_ms, dtype=np.int64)
        value = replace(self, times=times).vector(node.expr) if times.size else none(0)
        self.held.demand_room(len(value.labels) * moments.size)
        return windows_of(value, times, moments, range_ms)

    def call(self, node: promql.Call) -> Value:
        return FUNCTIONS[node.func.name](self, node.args)

    def negative(self, node: promql.UnaryExpr) -> Value:
        value = self.value_of(node.expr)
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        return operators.negated(_as(Vector, value))

    def aggregate(self, node: promql.AggregateExpr) -> Vector:
        operator, grouping = str(node.op), _grouping(node.modifier)
        if operator == "count_values":
            name = self.text(cast(promql.Expr, node.param))
            vector = self.vector(node.expr)
            return aggregating.count_values(name, vector, grouping, self.held.demand_room)
        if operator in AGGREGATIONS:
            return aggregating.aggregate(operator, self.vector(node.expr), grouping)
        parameter, vector = self.scalar(cast(promql.Expr, node.param)), self.vector(node.expr)
        if operator == "quantile":
            return aggregating.quantiles(vector, parameter, grouping)
        return aggregating.extremes(vector, parameter, grouping, is_top=operator == "topk")

    def binary(self, node: promql.BinaryExpr) -> Value:
        operator, modifier = str(node.op), node.modifier
        left, right = self.value_of(node.lhs), self.value_of(node.rhs)
        as_number = modifier is not None and modifier.return_bool
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return operators.of_scalars(operator, left, right)
        if isinstance(left, Vector) and isinstance(right, Vector):
            matching = _matching(modifier)
            if operator in SET_OPERATORS:
                return SET_OPERATORS[operator](left, right, matching)
            return combined(operator, left, right, matching, as_number=as_number)
        vector = left if isinstance(left, Vector) else _as(Vector, right)
        compute = operators.WithScalar(operator, as_number=as_number)
        return compute(vector, _numbers(left), _numbers(right))

    def _seen(self, node: promql.VectorSelector, back_ms: int) -> tuple[Sequence[Frame], Times]:
        moments = self._moments(node.at, node.offset)
        asked = matchers_of(node), int(moments[0]) - back_ms, int(moments[-1])
        if asked not in self.selected:
            found = self.metrics.select(*asked)
            self.held.add_selected(sum(frame.values.size for frame in found))
            self.selected[asked] = found
        frames = self.selected[asked]
        self.held.demand_room(sum(len(frame.labels) for frame in frames) * moments.size)
        return frames, moments

    def _moments(self, at: promql.AtModifier | None, offset: timedelta | None) -> Times:
        times = self.times if at is None else np.full_like(self.times, self._fixed_ms(at))
        return times - _milliseconds(offset)

    def _fixed_ms(self, at: promql.AtModifier) -> int:
        if at.type == promql.AtModifierType.Start:
            return self.asked_ms[0]
        if at.type == promql.AtModifierType.End:
            return self.asked_ms[1]
        try:
            moment = cast(datetime, at.at)
        except (OverflowError, ValueError) as error:
            raise InvalidQuery("parse error: the time after @ is too far away") from error
        return round(moment.timestamp() * 1000)


_DEEDS: dict[type[promql.Expr], Callable[[Query, Any], Value]] = {
    promql.NumberLiteral: Query.number,
    promql.StringLiteral: Query.literal,
    promql.VectorSelector: Query.selector,
    promql.MatrixSelector: Query.range_selector,
    promql.SubqueryExpr: Query.subquery,
    promql.Call: Query.call,
    promql.UnaryExpr: Query.negative,
    promql.AggregateExpr: Query.aggregate,
    promql.BinaryExpr: Query.binary,
}
Wanted = TypeVar("Wanted", Vector, Scalar, Text, Windows)


def _as(wanted: type[Wanted], value: Value) -> Wanted:
    """The parser has checked types already, except where it does not look."""
    if not isinstance(value, wanted):
        raise InvalidQuery(f"parse error: {type(value).__name__} where {wanted.__name__} belongs")
    return value


def _bare(node: promql.Expr) -> promql.Expr:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


def _numbers(value: Value) -> Values:
    return value.values if isinstance(value, Vector) else _as(Scalar, value).values


def _milliseconds(duration: timedelta | None) -> int:
    return (duration or timedelta()) // timedelta(milliseconds=1)


def matchers_of(node: promql.VectorSelector) -> tuple[Matcher, ...]:
    named = [Matcher("__name__", "=", node.name)] if node.name else []
    others = [Matcher(m.name, _OPERATORS[str(m.op)], m.value) for m in node.matchers.matchers]
    if any("\0" in matcher.value for matcher in others):
        raise InvalidQuery("parse error: a NUL is in no label")
    return (*named, *others)


def _grouping(modifier: promql.AggModifier | None) -> Grouping:
    if modifier is None:
        return Grouping()
    return Grouping(modifier.labels, modifier.type == promql.AggModifierType.Without)


def _matching(modifier: promql.BinModifier | None) -> Matching:
    if modifier is None:
        return Matching()
    named = modifier.matching
    return Matching(
        named.labels if named else (),
        named is not None and named.type == promql.LabelModifierType.Include,
        _MANY.get(str(modifier.card)),
        modifier.group_labels or (),
    )
