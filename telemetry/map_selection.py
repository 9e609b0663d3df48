"""Which services a map shows: those around one, or groups of many by their owners."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from telemetry.service_edges import ServiceEdge, together
from telemetry.topology import Edge, within

MOST_UNGROUPED = 200
MOST_DRAWN = 1_000
GROUP = "group:"
NOBODY = "no owner"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`groups` are by the name of their box, which no slug can be: it begins with `GROUP`."""

    names: list[str]
    edges: list[ServiceEdge]
    groups: dict[str, list[str]]


def around(focus: str, edges: Collection[Edge], depth: int) -> set[str]:
    """The service, and what is so many calls away at most, up and down."""
    backwards = [(callee, caller) for caller, callee in edges]
    return within(focus, edges, depth) | within(focus, backwards, depth)


def ungrouped(names: Collection[str], edges: Iterable[ServiceEdge]) -> Chosen:
    return Chosen(list(names), among(set(names), edges), {})


def grouped(
    owners: Mapping[str, str], edges: Iterable[ServiceEdge], opened: Collection[str]
) -> Chosen:
    """One box for all services of an owner, save of those that are opened; `owners` is by slug."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name, owner in owners.items():
        if (owner or NOBODY) not in opened:
            groups[f"{GROUP}{owner or NOBODY}"].append(name)
    box_of = {name: box for box, members in groups.items() for name in members}
    alone = [name for name in owners if name not in box_of]
    joined: defaultdict[Edge, list[ServiceEdge]] = defaultdict(list)
    for edge in among(set(owners), edges):
        caller, callee = (box_of.get(name, name) for name in edge[:2])
        if caller != callee:
            joined[caller, callee].append(edge)
    merged = [together(*ends, found) for ends, found in joined.items()]
    return Chosen([*alone, *groups], merged, dict(groups))


def among(names: set[str], edges: Iterable[ServiceEdge]) -> list[ServiceEdge]:
    return [edge for edge in edges if edge.caller in names and edge.callee in names]
