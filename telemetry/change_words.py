"""The difference between two moments of the topology, as sentences."""

from collections.abc import Iterable, Iterator

from telemetry.calls import CallEdge
from telemetry.topology_changes import Changed, Difference
from telemetry.units import format_value

Sentence = tuple[str, str, str]
"""Caller, callee, and what is different."""


def came(found: Difference) -> list[Sentence]:
    return list(_told(found.added, "is called now"))


def went(found: Difference) -> list[Sentence]:
    return list(_told(found.removed, "is not called any more, before"))


def changed(found: Difference) -> list[Sentence]:
    return [
        (each.before.caller.name, each.before.callee.name, _words(each)) for each in found.changed
    ]


def _told(edges: Iterable[CallEdge], what: str) -> Iterator[Sentence]:
    for edge in edges:
        numbers = f"{edge.calls:,} calls, {_share(edge)} failed"
        yield edge.caller.name, edge.callee.name, f"{what}: {numbers}"


def _words(each: Changed) -> str:
    before, after = each.before, each.after
    words = {
        "traffic": f"calls {before.calls:,} → {after.calls:,}",
        "errors": f"errors {_share(before)} → {_share(after)}",
        "duration": f"p95 {_p95(before)} → {_p95(after)}",
    }
    return ", ".join(words[what] for what in each.what)


def _share(edge: CallEdge) -> str:
    return format_value(100 * edge.errors / edge.calls if edge.calls else 0.0, "%")


def _p95(edge: CallEdge) -> str:
    return format_value(edge.p95_ms or 0.0, "ms")
