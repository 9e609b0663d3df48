"""What is different between two moments of the topology."""

from collections.abc import Iterable
from dataclasses import dataclass

from telemetry.calls import CallEdge, Party

TIMES = 2.0
POINTS = 0.05
FEWEST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """`what` is among "traffic", "errors" and "duration"."""

    before: CallEdge
    after: CallEdge
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    added: tuple[CallEdge, ...]
    removed: tuple[CallEdge, ...]
    changed: tuple[Changed, ...]


def difference(before: Iterable[CallEdge], after: Iterable[CallEdge]) -> Difference:
    """Edges of two stretches of equal length, one row a caller and callee; sorted.

    An edge has changed when its calls are twice or half as many and 20 at least at one time, or
    when they are 20 at both and the p95 is twice or half, or the share of errors 5 points off.
    """
    old, new = _by_parties(before), _by_parties(after)
    both = ((old[key], new[key]) for key in sorted(old.keys() & new.keys()))
    changed = (Changed(one, other, _what(one, other)) for one, other in both)
    return Difference(
        added=tuple(new[key] for key in sorted(new.keys() - old.keys())),
        removed=tuple(old[key] for key in sorted(old.keys() - new.keys())),
        changed=tuple(each for each in changed if each.what),
    )


def _by_parties(edges: Iterable[CallEdge]) -> dict[tuple[Party, Party], CallEdge]:
    return {(edge.caller, edge.callee): edge for edge in edges}


def _what(before: CallEdge, after: CallEdge) -> tuple[str, ...]:
    calls = (before.calls, after.calls)
    found: list[str] = []
    if max(calls) >= FEWEST_CALLS and _is_far(*calls):
        found.append("traffic")
    if min(calls) >= FEWEST_CALLS:
        if abs(_error_share(after) - _error_share(before)) >= POINTS:
            found.append("errors")
        if before.p95_ms and after.p95_ms and _is_far(before.p95_ms, after.p95_ms):
            found.append("duration")
    return tuple(found)


def _is_far(one: float, other: float) -> bool:
    return max(one, other) >= TIMES * min(one, other)


def _error_share(edge: CallEdge) -> float:
    return edge.errors / edge.calls
