"""Samples as they came, one row a batch, ordered by series: quick to write and to search."""

from collections.abc import Iterable

import numpy as np

from telemetry.store.database import Session
from telemetry.store.frames import Times, Values
from telemetry.store.rows import EMPTY, Ids, Rows, gathered, ranges

BYTES_A_SAMPLE = 24

Samples = tuple[Ids, Times, Values]


def add(session: Session, series: Ids, at_ms: Times, values: Values) -> None:
    order = np.argsort(series, kind="stable")
    body = b"".join(column[order].tobytes() for column in (series, at_ms, values))
    bounds = int(at_ms.min()), int(at_ms.max())
    session.add("fresh", ("start_ms", "end_ms", "samples", "body"), [(*bounds, len(series), body)])


def touching(session: Session, start_ms: int, end_ms: int) -> dict[int, int]:
    """Batches with samples of that time, the oldest first, and how many each has."""
    return dict(
        session.rows(
            "SELECT id, samples FROM fresh WHERE start_ms <= ? AND end_ms >= ? ORDER BY id",
            *(end_ms, start_ms),
        )
    )


def rows_of(session: Session, batches: Iterable[int], wanted: Ids | None = None) -> Rows:
    """Samples of these batches; of these series, which ascend, or of all."""
    samples = []
    for number in batches:
        ((body,),) = session.rows("SELECT body FROM fresh WHERE id = ?", number)
        samples.append(_parsed(body) if wanted is None else _only(_parsed(body), wanted))
    if not samples:
        return EMPTY
    return gathered(*map(np.concatenate, zip(*samples, strict=True)))


def _parsed(body: bytes) -> Samples:
    count = len(body) // BYTES_A_SAMPLE
    series, at_ms = np.frombuffer(body, np.int64, 2 * count).reshape(2, count)
    return series, at_ms, np.frombuffer(body, np.float64, offset=16 * count)


def _only(samples: Samples, wanted: Ids) -> Samples:
    """The cheaper way round: few series are looked up in the batch, many the other way."""
    series, at_ms, values = samples
    if len(wanted) * 20 < len(series):
        begins, ends = (np.searchsorted(series, wanted, side) for side in ("left", "right"))
        found = ranges(begins, ends - begins)
    else:
        place = np.minimum(np.searchsorted(wanted, series), len(wanted) - 1)
        found = np.flatnonzero(wanted[place] == series)
    return series[found], at_ms[found], values[found]
