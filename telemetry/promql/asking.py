"""Ask a store in PromQL, about one moment or many."""

import time

import numpy as np
import promql_parser as promql

from telemetry.promql import syntax
from telemetry.promql.errors import InvalidQuery
from telemetry.promql.evaluating import KNOWN, Held, Limits, Metrics, Query, matchers_of
from telemetry.promql.vectors import Scalar, Text, Value, Vector
from telemetry.store.frames import Matcher, Times

USUAL = Limits()


def ask(metrics: Metrics, text: str, *, at_ms: int, limits: Limits = USUAL) -> Value:
    """What the query is worth at one moment; of `Windows`, the samples themselves.

    Raises QueryError, and what the store raises.
    """
    times = np.array([at_ms], dtype=np.int64)
    return _evaluated(metrics, text, times, (at_ms, at_ms), limits)


def ask_range(
    metrics: Metrics, text: str, *, start_ms: int, end_ms: int, step_ms: int, limits: Limits = USUAL
) -> tuple[Times, Vector | Scalar]:
    """What the query is worth at each step from start to end, and the steps' times.

    Raises QueryError, and what the store raises.
    """
    _demand_order(start_ms, end_ms, step_ms, limits)
    times = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
    value = _evaluated(metrics, text, times, (start_ms, end_ms), limits)
    if not isinstance(value, Vector | Scalar):
        kind = "string" if isinstance(value, Text) else "range vector"
        raise InvalidQuery(
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector',
            parameter="",
        )
    return times, value


def selector(text: str) -> tuple[Matcher, ...]:
    """The matchers of a selector alone, as `match[]` takes them. Raises InvalidQuery."""
    tree = syntax.parse(text, known=())
    if not isinstance(tree, promql.VectorSelector) or tree.offset or tree.at:
        raise InvalidQuery(f"{text} is not a plain selector", parameter="match[]")
    return matchers_of(tree)


def _demand_order(start_ms: int, end_ms: int, step_ms: int, limits: Limits) -> None:
    if end_ms < start_ms:
        raise InvalidQuery("end timestamp must not be before start time", parameter="end")
    if step_ms <= 0:
        raise InvalidQuery(
            "zero or negative query resolution step widths are not accepted. "
            "Try a positive integer",
            parameter="step",
        )
    if (end_ms - start_ms) // step_ms > limits.steps:
        raise InvalidQuery(
            f"exceeded maximum resolution of {limits.steps:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)",
            parameter="",
        )


def _evaluated(
    metrics: Metrics, text: str, times: Times, asked_ms: tuple[int, int], limits: Limits
) -> Value:
    tree = syntax.parse(text, known=KNOWN)
    deadline = time.monotonic() + limits.seconds
    query = Query(metrics, times, Held(limits.samples), asked_ms, deadline)
    with np.errstate(all="ignore"):
        return query.value_of(tree)
