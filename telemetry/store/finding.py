"""Which series match, from the postings of their labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from telemetry.linear_regex import matches_whole
from telemetry.store.database import Session
from telemetry.store.frames import Matcher
from telemetry.store.known_series import METRIC_SHIFT, NAME
from telemetry.store.rows import Ids

Bounds = tuple[int, int]
Found = dict[int, Mapping[str, str]]


def find(session: Session, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Found:
    """Labels by id, ids ascending, of the series with samples then (to the hour).

    As in Prometheus a missing label is an empty one. Raises InvalidPattern.
    """
    metrics = _metrics(session, [matcher for matcher in matchers if matcher.name == NAME])
    if not metrics:
        return {}
    bounds = min(metrics) << METRIC_SHIFT, ((max(metrics) + 1) << METRIC_SHIFT) - 1
    others = [matcher for matcher in matchers if matcher.name != NAME]
    wanted = _wanted(session, [m for m in others if not matches(m, "")], bounds)
    unwanted = _unwanted(session, [m for m in others if matches(m, "")], bounds)
    return {
        number: orjson.loads(text)
        for number, text in _series(session, wanted, bounds, start_ms, end_ms)
        if number >> METRIC_SHIFT in metrics and number not in unwanted
    }


def all_names(session: Session) -> list[str]:
    names = [name for (name,) in session.rows("SELECT DISTINCT name FROM label")]
    return sorted([NAME, *names]) if names or session.rows("SELECT 1 FROM metric LIMIT 1") else []


def all_values(session: Session, name: str) -> list[str]:
    statement = "SELECT value FROM label WHERE name = ?"
    if name == NAME:
        return sorted(value for (value,) in session.rows("SELECT name FROM metric"))
    return sorted(value for (value,) in session.rows(statement, name))


def matches(matcher: Matcher, value: str) -> bool:
    """Raises InvalidPattern."""
    if matcher.op in {"=", "!="}:
        return (value == matcher.value) == (matcher.op == "=")
    return matches_whole(matcher.value, value) == (matcher.op == "=~")


def _metrics(session: Session, matchers: Sequence[Matcher]) -> set[int]:
    exact = [matcher.value for matcher in matchers if matcher.op == "="]
    if exact:
        names = session.rows("SELECT id, name FROM metric WHERE name = ?", exact[0])
    else:
        names = session.rows("SELECT id, name FROM metric")
    return {number for number, name in names if all(matches(m, name) for m in matchers)}


def _wanted(session: Session, matchers: Sequence[Matcher], bounds: Bounds) -> Ids | None:
    """The series with a label that pleases each matcher; None when nothing is demanded."""
    wanted: Ids | None = None
    for matcher in matchers:
        labels = _labels(session, matcher, only_equal=matcher.op == "=")
        pleasing = [number for number, value in labels if matches(matcher, value)]
        holders = _holders(session, pleasing, bounds)
        wanted = holders if wanted is None else np.intersect1d(wanted, holders)
    return wanted


def _unwanted(session: Session, matchers: Sequence[Matcher], bounds: Bounds) -> set[int]:
    """The series with a label that displeases a matcher which is pleased by none."""
    unwanted: set[int] = set()
    for matcher in matchers:
        labels = _labels(session, matcher, only_equal=matcher.op == "!=")
        displeasing = [number for number, value in labels if not matches(matcher, value)]
        unwanted.update(_holders(session, displeasing, bounds).tolist())
    return unwanted


def _labels(session: Session, matcher: Matcher, *, only_equal: bool) -> list[tuple[int, str]]:
    statement = "SELECT id, value FROM label WHERE name = ?"
    if only_equal:
        return session.rows(f"{statement} AND value = ?", matcher.name, matcher.value)
    return session.rows(statement, matcher.name)


def _holders(session: Session, labels: Sequence[int], bounds: Bounds) -> Ids:
    found = session.rows_among(
        "SELECT series_id FROM posting WHERE series_id BETWEEN ? AND ? AND label_id IN ({})",
        *bounds,
        among=labels,
    )
    return np.sort(np.array([number for (number,) in found], np.int64))


def _series(
    session: Session, wanted: Ids | None, bounds: Bounds, start_ms: int, end_ms: int
) -> list[tuple[int, str]]:
    statement = "SELECT id, labels FROM series WHERE first_ms <= ? AND last_ms >= ?"
    if wanted is None:
        within = f"{statement} AND id BETWEEN ? AND ? ORDER BY id"
        return session.rows(within, end_ms, start_ms, *bounds)
    among = f"{statement} AND id IN ({{}}) ORDER BY id"
    return session.rows_among(among, end_ms, start_ms, among=wanted.tolist())
