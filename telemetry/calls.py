"""Calls between parties, and what they come to: one edge for each caller and callee."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

PartyKind = Literal["service", "database", "queue", "external"]

SLOW = 0.95


class Party(NamedTuple):
    """Who calls or is called. What has no telemetry of its own is named by its callers."""

    name: str
    kind: PartyKind = "service"


class Call(NamedTuple):
    """`witnesses` are the sides that told of it: 2 when both the caller and the callee did."""

    caller: Party
    callee: Party
    duration_ns: int
    is_error: bool
    witnesses: int


class CallEdge(NamedTuple):
    """The calls of one stretch of time. `p95_ms` is None where durations are not known."""

    caller: Party
    callee: Party
    calls: int
    errors: int
    p95_ms: float | None
    confidence: float


def tally(calls: Iterable[Call]) -> list[CallEdge]:
    """Sorted by caller and callee. Nobody is said to call themselves."""
    found: defaultdict[tuple[Party, Party], list[Call]] = defaultdict(list)
    for call in calls:
        if call.caller != call.callee:
            found[call.caller, call.callee].append(call)
    return [_edge(*parties, found[parties]) for parties in sorted(found)]


def confidence_of(calls: int, witnesses: int) -> float:
    """(witnesses / 2) / (calls + 1): the share of the possible witnesses that were there, two a
    call, as if there had been one more call that nobody saw.

    One call that both sides told of gives 0.5 and a hundred 0.99; what only one side tells of, as
    with a database without telemetry, stays below 0.5.
    """
    return witnesses / 2 / (calls + 1)


def _edge(caller: Party, callee: Party, calls: Sequence[Call]) -> CallEdge:
    durations = [call.duration_ns for call in calls]
    return CallEdge(
        caller,
        callee,
        calls=len(calls),
        errors=sum(call.is_error for call in calls),
        p95_ms=float(np.quantile(durations, SLOW)) / 1e6,
        confidence=confidence_of(len(calls), sum(call.witnesses for call in calls)),
    )
