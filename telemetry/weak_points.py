"""Where a topology is fragile: cycles, single points of failure, the slowest way through.

An edge is (caller, callee), as in `topology`. Sorted input is not needed, and equal input gives
equal answers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

from telemetry.topology import Edge

_Neighbours = Mapping[str, list[str]]
_OUTSIDE = ""


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """`hurts` are the critical services that depend on it or are it; `cuts_off` are those that no
    entry reaches without it."""

    service: str
    hurts: frozenset[str]
    cuts_off: frozenset[str]


def cycles(edges: Iterable[Edge]) -> list[list[str]]:
    """Services that need each other: the strongly connected components of more than one service.

    The largest first. As by Kosaraju and Sharir (1981), https://doi.org/10.1016/0898-1221(81)90008-0
    """
    groups = [group for group in _components(_callees(set(edges))) if len(group) > 1]
    return sorted(groups, key=lambda group: (-len(group), group))


def entries(edges: Iterable[Edge]) -> list[str]:
    """Where calls come from: services that nobody calls, or that only call each other."""
    known = sorted(set(edges))
    component = {
        name: number for number, group in enumerate(_components(_callees(known))) for name in group
    }
    called = {component[b] for a, b in known if component[a] != component[b]}
    return sorted(name for name, number in component.items() if number not in called)


def single_points_of_failure(edges: Iterable[Edge], critical: Collection[str]) -> list[SinglePoint]:
    """Services whose failure is everybody's: all critical services depend on it or are it, when
    there are two or more of them; or other services are reached through it alone.

    Those that hurt most critical services first, then those that cut off most. What is reached
    through a service alone it dominates, seen from `entries`: Cooper, Harvey and Kennedy (2001),
    "A Simple, Fast Dominance Algorithm".
    """
    known = sorted(set(edges))
    callees = _callees(known)
    bits = {name: 1 << number for number, name in enumerate(sorted(set(critical)))}
    hurts = _needed_by(bits, callees)
    cut_off = _dominated(known)
    found = [
        SinglePoint(name, _named(hurts[name], bits), frozenset(cut_off[name]))
        for name in callees
        if cut_off[name] or 1 < len(bits) == hurts[name].bit_count()
    ]
    return sorted(found, key=lambda each: (-len(each.hurts), -len(each.cuts_off), each.service))


def critical_path(start: str, p95_ms: Mapping[Edge, float]) -> list[str]:
    """From the start always on to the callee that is waited for longest.

    A call's duration contains those that its callee makes, so durations are not added up. Ends at
    a service that calls nobody new.
    """
    callees = _callees(p95_ms)
    path = [start]
    while ahead := [name for name in callees.get(path[-1], ()) if name not in path]:
        here = path[-1]
        path.append(min(ahead, key=lambda name: (-p95_ms[here, name], name)))
    return path


def _needed_by(bits: Mapping[str, int], callees: _Neighbours) -> dict[str, int]:
    """Of each service the bits of those that it is, or that need it, near or far.

    Bits instead of names: a thousand services are all asked about at once.
    """
    callers = _callers(callees)
    found: dict[str, int] = {}
    for group in _components(callees):  # callers come before their callees
        above = [found.get(caller, 0) for name in group for caller in callers.get(name, ())]
        together = reduce(or_, [*above, *(bits.get(name, 0) for name in group)], 0)
        found.update(dict.fromkeys(group, together))
    return found


def _named(needed: int, bits: Mapping[str, int]) -> frozenset[str]:
    return frozenset(name for name, bit in bits.items() if needed & bit)


def _callees(edges: Iterable[Edge]) -> _Neighbours:
    """Of every service that occurs, also of those that call nobody."""
    found: dict[str, list[str]] = {}
    for caller, callee in sorted(edges):
        found.setdefault(caller, []).append(callee)
        found.setdefault(callee, [])
    return found


def _callers(callees: _Neighbours) -> _Neighbours:
    return _callees((b, a) for a, others in callees.items() for b in others)


def _finished(starts: Iterable[str], callees: _Neighbours) -> list[str]:
    """Everything that is reached, in the order in which a walk in depth leaves it."""
    order: list[str] = []
    seen: set[str] = set()
    for start in starts:
        path = [] if start in seen else [(start, iter(callees.get(start, ())))]
        seen.add(start)
        while path:
            _, rest = path[-1]
            callee = next((other for other in rest if other not in seen), None)
            if callee is None:
                order.append(path.pop()[0])
            else:
                seen.add(callee)
                path.append((callee, iter(callees.get(callee, ()))))
    return order


def _components(callees: _Neighbours) -> list[list[str]]:
    """Strongly connected: what is left first against the calls, of the one that was left last."""
    callers = _callers(callees)
    groups: list[list[str]] = []
    grouped: set[str] = set()
    for name in reversed(_finished(callees, callees)):
        if name not in grouped:
            group = _reached(name, callers, grouped)
            grouped.update(group)
            groups.append(sorted(group))
    return groups


def _reached(start: str, callers: _Neighbours, grouped: set[str]) -> set[str]:
    reached, ahead = {start}, [start]
    while ahead:
        new = set(callers.get(ahead.pop(), ())) - grouped - reached
        reached |= new
        ahead += new
    return reached


def _dominated(edges: list[Edge]) -> defaultdict[str, set[str]]:
    """By each service, those that are reached from outside through it alone."""
    nearest = _nearest_dominators([(_OUTSIDE, name) for name in entries(edges)] + edges)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name in nearest:
        above = nearest[name]
        while above != _OUTSIDE:
            found[above].add(name)
            above = nearest[above]
    return found


def _nearest_dominators(edges: list[Edge]) -> dict[str, str]:
    callees = _callees(edges)
    callers = _callers(callees)
    order = _finished([_OUTSIDE], callees)
    number = {name: at for at, name in enumerate(order)}
    nearest = {_OUTSIDE: _OUTSIDE}
    is_settled = False
    while not is_settled:
        is_settled = True
        for name in reversed(order[:-1]):
            above = reduce(
                partial(_common, nearest, number), (c for c in callers[name] if c in nearest)
            )
            if nearest.get(name) != above:
                nearest[name], is_settled = above, False
    return nearest


def _common(nearest: Mapping[str, str], number: Mapping[str, int], one: str, other: str) -> str:
    while one != other:
        if number[one] < number[other]:
            one = nearest[one]
        else:
            other = nearest[other]
    return one
