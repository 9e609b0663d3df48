"""Ours and Prometheus' answers in one shape, so that they can be held against each other."""

import math
from collections.abc import Callable
from typing import Any

from telemetry.promql import rendering
from telemetry.promql.asking import ask, ask_range
from telemetry.promql.errors import QueryError
from tests.telemetry.promql.memory_store import MemoryStore

RELATIVE, NEXT_TO_NOTHING = 1e-9, 1e-11
Answer = dict[str, Any]


def of_moment(store: MemoryStore, query: str, at_ms: int) -> Answer:
    return _enveloped(lambda: rendering.of_moment(ask(store, query, at_ms=at_ms), at_ms))


def of_range(store: MemoryStore, query: str, start_ms: int, end_ms: int, step_ms: int) -> Answer:
    def answer() -> rendering.Json:
        times, value = ask_range(store, query, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms)
        return rendering.of_range(value, times)

    return _enveloped(answer)


def difference(ours: Answer, theirs: Answer) -> str:
    """Empty when they say the same: labels, times, and values to nine digits."""
    if ours["status"] != theirs["status"]:
        return f"{ours.get('error', 'an answer')} != {theirs.get('error', 'an answer')}"
    if ours["status"] == "error":
        return "" if ours["errorType"] == theirs["errorType"] else ours["errorType"]
    mine, other = _by_labels(ours["data"]), _by_labels(theirs["data"])
    if mine.keys() != other.keys():
        return f"only ours: {mine.keys() - other.keys()}; theirs: {other.keys() - mine.keys()}"
    found = (_first_difference(mine[key], other[key]) for key in mine)
    return next((f"{key}: {each}" for key, each in zip(mine, found, strict=True) if each), "")


def _enveloped(answer: Callable[[], rendering.Json]) -> Answer:
    try:
        return {"status": "success", "data": answer()}
    except QueryError as error:
        return {"status": "error", "errorType": error.kind, "error": str(error)}


def _by_labels(data: rendering.Json) -> dict[Any, list[Any]]:
    if data["resultType"] == "scalar":
        return {"scalar": [data["result"]]}
    return {
        tuple(sorted(each["metric"].items())): each.get("values") or [each["value"]]
        for each in data["result"]
    }


def _first_difference(ours: list[Any], theirs: list[Any]) -> str:
    if [at for at, _ in ours] != [at for at, _ in theirs]:
        return f"times {ours} != {theirs}"
    pairs = zip(ours, theirs, strict=True)
    return next((f"{a} != {b}" for a, b in pairs if not _is_close(float(a[1]), float(b[1]))), "")


def _is_close(ours: float, theirs: float) -> bool:
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return math.isclose(ours, theirs, rel_tol=RELATIVE, abs_tol=NEXT_TO_NOTHING)
