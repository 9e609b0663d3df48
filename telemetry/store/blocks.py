"""The table of packed blocks: samples of neighbouring series within one window of time.

Until they are merged several blocks may hold samples of one series and window. Of two samples of
one time that of the older block stays, and `since`, the oldest batch in a block, says its age.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from telemetry.store.database import Session
from telemetry.store.packing import pack, unpack
from telemetry.store.rows import Ids, Rows

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SAMPLES_A_BLOCK = 16_384
COLUMNS = ("stage", "window_ms", "since", "made_ms", "first_series", "last_series")
WRITTEN = (*COLUMNS, "start_ms", "end_ms", "samples", "body")
META = f"SELECT id, {', '.join(COLUMNS)}, samples FROM block"  # noqa: S608


class Stage(IntEnum):
    MINUTE = 1  # what came between two compactions, of one hour
    PART = 2  # several of those
    HOUR = 3  # settled: each series of the hour is in one block
    DAY = 4  # rolled up


@dataclass(frozen=True, slots=True)
class Block:
    id: int
    stage: int
    window_ms: int
    since: int
    made_ms: int
    first_series: int
    last_series: int
    samples: int


def touching(session: Session, series: Ids, start_ms: int, end_ms: int) -> list[Block]:
    """Blocks that may hold samples of these series, which ascend, from that time; oldest first."""
    found = session.rows(
        f"{META} WHERE window_ms BETWEEN ? AND ? AND first_series <= ? AND last_series >= ?"
        " AND start_ms <= ? AND end_ms >= ? ORDER BY since",
        *(start_ms - DAY_MS, end_ms, int(series[-1]), int(series[0]), end_ms, start_ms),
    )
    return overlapping([Block(*row) for row in found], series)


def between(session: Session, start_ms: int, end_ms: int) -> list[Block]:
    """Those of windows from the one on and before the other, in the order of series."""
    found = session.rows(
        f"{META} WHERE window_ms >= ? AND window_ms < ? ORDER BY first_series", start_ms, end_ms
    )
    return [Block(*row) for row in found]


def overlapping(blocks: Sequence[Block], series: Ids) -> list[Block]:
    """Those whose range holds one of the series."""
    first = np.searchsorted(series, [block.first_series for block in blocks], "left")
    last = np.searchsorted(series, [block.last_series for block in blocks], "right")
    return [block for block, meets in zip(blocks, first < last, strict=True) if meets]


def rows_of(session: Session, blocks: Iterable[Block]) -> Iterator[Rows]:
    """What is in them, in their order."""
    for block in blocks:
        ((body,),) = session.rows("SELECT body FROM block WHERE id = ?", block.id)
        yield unpack(bytes(body))


def packed(
    rows: Rows, *, stage: int, window_ms: int, since: int, made_ms: int
) -> list[tuple[Any, ...]]:
    """The samples as rows of the table, for `add`."""
    return [
        (
            *(stage, window_ms, since, made_ms, int(part.series[0]), int(part.series[-1])),
            *(part.first_ms, part.last_ms, len(part.values), pack(part)),
        )
        for part in _parts(rows)
    ]


def add(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    session.add("block", WRITTEN, rows)


def _parts(rows: Rows) -> Iterator[Rows]:
    """Of about as many samples as a block should have; a series is never divided."""
    number = rows.offsets // SAMPLES_A_BLOCK
    begins = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
    for part in np.split(np.arange(len(rows.series)), begins[1:]):
        yield rows.chosen(part)
