"""Questions about who calls whom. An edge is (caller, callee): the caller depends on the callee."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from telemetry.untangling import untangle

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Arrow:
    source: str
    target: str
    is_back: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Columns and rows count from 0, callers to the left. A back arrow closes a cycle."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]


def dependencies(service: str, edges: Iterable[Edge]) -> set[str]:
    """Everything the service needs, near or far; not itself."""
    return set(_hops(service, _callees(edges))) - {service}


def dependants(service: str, edges: Iterable[Edge]) -> set[str]:
    """Everything that needs the service, near or far; not itself."""
    return set(_hops(service, _callers(edges))) - {service}


def distance(caller: str, callee: str, edges: Iterable[Edge]) -> int | None:
    """Calls between the two along the shortest path; None where there is no path."""
    return _hops(caller, _callees(edges)).get(callee)


def within(service: str, edges: Iterable[Edge], hops: int) -> set[str]:
    """The service and what it reaches with so many calls."""
    return {name for name, hop in _hops(service, _callees(edges)).items() if hop <= hops}


def blast_radius(service: str, edges: Iterable[Edge]) -> list[set[str]]:
    """Who is hurt when the service fails: direct callers first, then theirs, and so on."""
    rings: defaultdict[int, set[str]] = defaultdict(set)
    for name, hop in _hops(service, _callers(edges)).items():
        rings[hop].add(name)
    return [rings[hop] for hop in range(1, len(rings))]


def lay_out(services: Iterable[str], edges: Iterable[Edge]) -> Drawing:
    """Columns by the longest path from a service nobody calls, back edges left out.

    Rows are by name at first and then untangled, so equal input draws equally. Services that only
    occur in an edge are drawn too.
    """
    unique = sorted(set(edges))
    names = sorted({*services, *(name for edge in unique for name in edge)})
    back = _back_edges(names, unique)
    forward = [edge for edge in unique if edge not in back]
    columns = _columns(names, forward)
    nodes = tuple(_place(columns, forward))
    return Drawing(nodes, tuple(Arrow(a, b, is_back=(a, b) in back) for a, b in unique))


def _callees(edges: Iterable[Edge]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for caller, callee in edges:
        found[caller].append(callee)
    return found


def _callers(edges: Iterable[Edge]) -> dict[str, list[str]]:
    return _callees((callee, caller) for caller, callee in edges)


def _hops(start: str, neighbours: Mapping[str, list[str]]) -> dict[str, int]:
    hops = {start: 0}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        for other in neighbours.get(name, ()):
            if other not in hops:
                hops[other] = hops[name] + 1
                queue.append(other)
    return hops


def _back_edges(names: list[str], edges: list[Edge]) -> set[Edge]:
    """Edges to a service still being walked, depth first; walks start where nobody calls."""
    callees = _callees(edges)
    called = {callee for _, callee in edges}
    starts = sorted(names, key=lambda name: (name in called, name))
    finished: set[str] = set()
    back: set[Edge] = set()
    for start in starts:
        if start not in finished:
            _walk(start, callees, finished, back)
    return back


def _walk(
    start: str, callees: Mapping[str, list[str]], finished: set[str], back: set[Edge]
) -> None:
    path: dict[str, Iterator[str]] = {start: iter(callees.get(start, ()))}
    while path:
        name, rest = next(reversed(path.items()))
        callee = next(rest, None)
        if callee is None:
            path.popitem()
            finished.add(name)
        elif callee in path:
            back.add((name, callee))
        elif callee not in finished:
            path[callee] = iter(callees.get(callee, ()))


def _columns(names: list[str], forward: list[Edge]) -> dict[str, int]:
    callees = _callees(forward)
    waiting = {name: len(callers) for name, callers in _callers(forward).items()}
    columns = dict.fromkeys(names, 0)
    ready = deque(name for name in names if name not in waiting)
    while ready:
        name = ready.popleft()
        for callee in callees.get(name, ()):
            columns[callee] = max(columns[callee], columns[name] + 1)
            waiting[callee] -= 1
            if not waiting[callee]:
                ready.append(callee)
    return columns


def _place(columns: Mapping[str, int], forward: list[Edge]) -> Iterator[Node]:
    members: list[list[str]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for name, column in columns.items():
        members[column].append(name)
    joined = _callees([*forward, *((callee, caller) for caller, callee in forward)])
    for column, names in enumerate(untangle(members, joined)):
        yield from (Node(name, column, row) for row, name in enumerate(names))
