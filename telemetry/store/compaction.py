"""Fresh samples become blocks, and small blocks become settled ones.

What is read, merged and packed is done without a lock; then, in one short transaction, the
sources are deleted and the result is added. Should another process have taken one of the sources
meanwhile, nothing is changed. So it may be killed at any moment and run by several at once.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from telemetry.store import blocks, fresh
from telemetry.store.blocks import DAY_MS, HOUR_MS, Block, Stage
from telemetry.store.database import Database, Session
from telemetry.store.metrics import Compacted
from telemetry.store.rows import Rows, joined

SAMPLES_A_STEP = 500_000
MINUTES_A_PART = 8
LATE_MS = 10 * 60_000
ROLLUP_MS = 5 * 60_000
LAST_SERIES = 2**63 - 1


class Overtaken(Exception):
    """Another process has compacted the same; its work stands."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Blocks of lower stages in that time are to become blocks of this stage and window."""

    stage: Stage
    window_ms: int
    length_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Blocks and what is in them; they are merged as far as the series `last`."""

    blocks: Sequence[Block]
    rows: Sequence[Rows]
    last: int


def compact(database: Database, now_ms: int, seconds: float) -> Compacted:
    """For about as long, all that is due."""
    stop_at = time.monotonic() + seconds
    samples = _repeated(lambda: _pack_fresh(database, now_ms), stop_at)
    with database.reading() as session:
        due = list(_merges_due(session, now_ms))
    return _merged(database, due, now_ms, stop_at, samples)


def roll_up(database: Database, before_ms: int, seconds: float) -> Compacted:
    """As `compact`, for the whole days before."""
    stop_at = time.monotonic() + seconds
    with database.reading() as session:
        due = list(_rollups_due(session, before_ms))
    return _merged(database, due, before_ms, stop_at, 0)


def _merged(
    database: Database, due: Sequence[Merge], now_ms: int, stop_at: float, samples: int
) -> Compacted:
    for merge in due:
        samples += _repeated(partial(_merge, database, merge, now_ms), stop_at)
    return Compacted(samples, is_done=time.monotonic() < stop_at)


def _repeated(step: Callable[[], int], stop_at: float) -> int:
    """Until there is nothing left, or the time is over, or somebody else is at it."""
    samples = 0
    while time.monotonic() < stop_at:
        try:
            done = step()
        except Overtaken:
            break
        if not done:
            break
        samples += done
    return samples


def _pack_fresh(database: Database, now_ms: int) -> int:
    """Returns how many samples were packed."""
    with database.reading() as session:
        batches = _oldest_batches(session)
        rows = fresh.rows_of(session, batches)
    new = [
        block
        for hour in np.unique(rows.times // HOUR_MS).tolist()
        for block in blocks.packed(
            rows.between(hour * HOUR_MS, (hour + 1) * HOUR_MS - 1),
            stage=Stage.MINUTE,
            window_ms=hour * HOUR_MS,
            since=batches[0],
            made_ms=now_ms,
        )
    ]
    if batches:
        _replace(database, "fresh", batches, new)
    return len(rows.values)


def _merges_due(session: Session, now_ms: int) -> Iterator[Merge]:
    """Hours that are over are settled; of one that goes on the minutes are gathered."""
    hours = session.rows(
        "SELECT window_ms, min(made_ms), count(DISTINCT CASE WHEN stage = ? THEN made_ms END)"
        " FROM block WHERE stage < 3 GROUP BY window_ms",
        Stage.MINUTE,
    )
    for hour_ms, oldest_ms, minutes in hours:
        if max(hour_ms + HOUR_MS, oldest_ms) + LATE_MS <= now_ms:
            yield Merge(Stage.HOUR, hour_ms, HOUR_MS)
        elif minutes >= MINUTES_A_PART:
            yield Merge(Stage.PART, hour_ms, HOUR_MS)


def _rollups_due(session: Session, before_ms: int) -> Iterator[Merge]:
    """Days that were over before that."""
    end_ms = before_ms // DAY_MS * DAY_MS
    days = session.rows(
        "SELECT DISTINCT window_ms / ? FROM block WHERE window_ms < ? AND stage < ?",
        *(DAY_MS, end_ms, Stage.DAY),
    )
    for (day,) in days:
        yield Merge(Stage.DAY, day * DAY_MS, DAY_MS)


def _merge(database: Database, due: Merge, now_ms: int) -> int:
    """Returns how many samples were merged."""
    with database.reading() as session:
        taken = _taken(session, due)
    if not taken.blocks:
        return 0
    merged = joined([rows.of_range(0, taken.last) for rows in taken.rows])
    if due.stage is Stage.DAY:
        merged = _rolled_up(merged)
    since = min(block.since for block in taken.blocks)
    new = blocks.packed(
        merged, stage=due.stage, window_ms=due.window_ms, since=since, made_ms=now_ms
    )
    _replace(database, "block", [block.id for block in taken.blocks], [*new, *_rests(taken)])
    return sum(block.samples for block in taken.blocks)


def _taken(session: Session, due: Merge) -> Taken:
    """A step's worth of unmerged blocks in the order of series, with the merged they belong to."""
    found = blocks.between(session, due.window_ms, due.window_ms + due.length_ms)
    open_blocks, last = _first_few([block for block in found if block.stage < due.stage])
    rows = list(blocks.rows_of(session, open_blocks))
    settled: Sequence[Block] = []
    if rows and due.stage is not Stage.PART:
        series = np.unique(np.concatenate([part.series for part in rows]))
        merged = [block for block in found if block.stage == due.stage]
        settled, limit = _first_few(blocks.overlapping(merged, series[series <= last]))
        last = min(last, limit)
        rows += blocks.rows_of(session, settled)
    by_age = sorted(
        zip([*open_blocks, *settled], rows, strict=True), key=lambda pair: pair[0].since
    )
    return Taken([block for block, _ in by_age], [part for _, part in by_age], last)


def _first_few(found: Sequence[Block]) -> tuple[Sequence[Block], int]:
    """A step's worth of blocks, which are in the order of series, and up to which series all of
    them are there."""
    total = np.cumsum([block.samples for block in found])
    count = int(np.searchsorted(total, SAMPLES_A_STEP)) + 1
    while count < len(found) and found[count].first_series == found[count - 1].first_series:
        count += 1
    last = found[count].first_series - 1 if count < len(found) else LAST_SERIES
    return found[:count], last


def _rests(taken: Taken) -> Iterator[tuple[Any, ...]]:
    """Of blocks that go on beyond the last merged series, what remains as it was."""
    for block, rows in zip(taken.blocks, taken.rows, strict=True):
        rest = rows.of_range(taken.last + 1, LAST_SERIES)
        if len(rest.series):
            yield from blocks.packed(
                rest,
                stage=block.stage,
                window_ms=block.window_ms,
                since=block.since,
                made_ms=block.made_ms,
            )


def _rolled_up(rows: Rows) -> Rows:
    """The last sample of every five minutes: right for counters, honest for gauges.

    As VictoriaMetrics does it, a sample at the very end of an interval belongs to it.
    """
    interval = (rows.times - 1) // ROLLUP_MS
    is_last = np.ones(len(interval), np.bool_)
    is_last[:-1] = interval[1:] != interval[:-1]
    is_last[rows.clock_offsets[1:] - 1] = True
    return rows.thinned(is_last)


def _oldest_batches(session: Session) -> list[int]:
    chosen, samples = [], 0
    for number, count in session.rows("SELECT id, samples FROM fresh ORDER BY id"):
        if samples >= SAMPLES_A_STEP:
            break
        chosen.append(number)
        samples += count
    return chosen


def _replace(
    database: Database, table: str, old: Sequence[int], new: Sequence[tuple[Any, ...]]
) -> None:
    with database.writing() as session:
        session.enter_alone()
        deleted = session.change_among(f"DELETE FROM {table} WHERE id IN ({{}})", among=old)  # noqa: S608
        if deleted < len(old):
            raise Overtaken
        blocks.add(session, new)
