"""The store of metrics in SQL: batches as they came, and packed blocks."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from telemetry.store import blocks, compaction, forgetting, fresh
from telemetry.store.database import Database, Session
from telemetry.store.finding import Found, all_names, all_values, find
from telemetry.store.frames import Batch, Frame
from telemetry.store.known_series import BAD_LABELS, TOO_MANY, KnownSeries, Learned, SeriesGone
from telemetry.store.metrics import Appended, Compacted, Selector, Size, TooMuch
from telemetry.store.rows import Ids, Rows, joined

MAX_SERIES = 1_000_000
MAX_SAMPLES = 50_000_000
BEHIND_MS = 24 * 3_600_000  # of the newest sample
AHEAD_MS = 10 * 60_000  # of the clock
SECONDS_A_TURN = 2.0  # of a worker that has other things to do


TOO_OLD, IN_THE_FUTURE = -3, -4
REASONS = {
    BAD_LABELS: "labels without a name, or too long",
    TOO_MANY: "too many series",
    TOO_OLD: "too old",
    IN_THE_FUTURE: "in the future",
}


def clock_ms() -> int:
    return time.time_ns() // 1_000_000


class SqlMetrics:
    """See `metrics.MetricStore`."""

    def __init__(
        self,
        database: Database,
        *,
        max_series: int = MAX_SERIES,
        max_samples: int = MAX_SAMPLES,
        now_ms: Callable[[], int] = clock_ms,
    ) -> None:
        self._database = database
        self._known = KnownSeries(max_series)
        self._max_samples = max_samples
        self._now_ms = now_ms

    def append(self, batch: Batch) -> Appended:
        try:
            return self._append(batch)
        except SeriesGone:
            self._known.forget()
            return self._append(batch)

    def select(self, matchers: Selector, start_ms: int, end_ms: int) -> list[Frame]:
        with self._database.reading() as session:
            found = find(session, matchers, start_ms, end_ms)
            if not found:
                return []
            rows = self._read(session, np.array(list(found)), start_ms, end_ms)
        return _frames(rows, found) if len(rows.series) else []

    def series(
        self, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> list[Mapping[str, str]]:
        found: Found = {}
        with self._database.reading() as session:
            for selector in selectors or [[]]:
                found |= find(session, selector, start_ms, end_ms)
        return [found[number] for number in sorted(found)]

    def label_names(self, selectors: Sequence[Selector], start_ms: int, end_ms: int) -> list[str]:
        if not selectors:
            with self._database.reading() as session:
                return all_names(session)
        series = self.series(selectors, start_ms, end_ms)
        return sorted({name for labels in series for name in labels})

    def label_values(
        self, name: str, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> list[str]:
        if not selectors:
            with self._database.reading() as session:
                return all_values(session, name)
        series = self.series(selectors, start_ms, end_ms)
        return sorted({labels[name] for labels in series if name in labels})

    def compact(self, now_ms: int) -> Compacted:
        return compaction.compact(self._database, now_ms, SECONDS_A_TURN)

    def roll_up(self, before_ms: int) -> Compacted:
        return compaction.roll_up(self._database, before_ms, SECONDS_A_TURN)

    def forget(self, before_ms: int) -> int:
        return forgetting.forget(self._database, before_ms)

    def size(self) -> Size:
        with self._database.reading() as session:
            ((series,),) = session.rows("SELECT count(*) FROM series")
            held = [
                session.rows(f"SELECT sum(samples), min(start_ms), max(end_ms) FROM {table}")[0]  # noqa: S608
                for table in ("fresh", "block")
            ]
        samples, oldest, newest = (
            [n for n in of if n is not None] for of in zip(*held, strict=True)
        )
        return Size(
            series=series,
            samples=int(sum(samples)),
            disk_bytes=self._database.size_bytes(),
            oldest_ms=min(oldest, default=None),
            newest_ms=max(newest, default=None),
        )

    def close(self) -> None:
        self._database.close()

    def _append(self, batch: Batch) -> Appended:
        learned = Learned()
        with self._database.writing() as session:
            ids = self._judged(session, batch, learned)
            kept = ids >= 0
            if kept.any():
                self._known.note(session, ids[kept], batch.at_ms[kept], learned)
                fresh.add(session, ids[kept], batch.at_ms[kept], batch.values[kept])
        self._known.remember(learned)
        codes, counts = np.unique(ids[~kept], return_counts=True)
        refused = {
            REASONS[int(code)]: int(count) for code, count in zip(codes, counts, strict=True)
        }
        return Appended(int(kept.sum()), refused)

    def _judged(self, session: Session, batch: Batch, learned: Learned) -> Ids:
        """For each sample the id of its series, or why it is refused."""
        ids = np.zeros(len(batch.values), np.int64)
        ids[batch.at_ms < _newest_ms(session) - BEHIND_MS] = TOO_OLD
        ids[batch.at_ms > self._now_ms() + AHEAD_MS] = IN_THE_FUTURE
        timely = ids == 0
        used, place = np.unique(batch.series[timely], return_inverse=True)
        found = self._known.ids_of(session, [batch.labels[n] for n in used.tolist()], learned)
        ids[timely] = found[place]
        return ids

    def _read(self, session: Session, wanted: Ids, start_ms: int, end_ms: int) -> Rows:
        packed = blocks.touching(session, wanted, start_ms, end_ms)
        batches = fresh.touching(session, start_ms, end_ms)
        self._demand_few(sum(block.samples for block in packed) + sum(batches.values()))
        pieces = [
            rows.of(wanted).between(start_ms, end_ms) for rows in blocks.rows_of(session, packed)
        ]
        pieces.append(fresh.rows_of(session, batches, wanted).between(start_ms, end_ms))
        return joined(pieces)

    def _demand_few(self, samples: int) -> None:
        if samples > self._max_samples:
            raise TooMuch(
                f"This question would read {samples:,} samples; {self._max_samples:,} may be read "
                "at once. Name more labels, or ask for a shorter time."
            )


def _newest_ms(session: Session) -> int:
    """Of all samples; far in the past while there are none."""
    newest = [
        session.rows(f"SELECT max(end_ms) FROM {table}")[0][0]  # noqa: S608
        for table in ("fresh", "block")
    ]
    return max((ms for ms in newest if ms is not None), default=0)


def _frames(rows: Rows, found: Found) -> list[Frame]:
    """One for each clock."""
    by_clock = np.argsort(rows.clock, kind="stable")
    members = np.split(by_clock, np.cumsum(np.bincount(rows.clock))[:-1])
    return [
        Frame(
            tuple(found[number] for number in rows.series[mine].tolist()),
            at_ms,
            rows.table(mine, len(at_ms)),
        )
        for mine, at_ms in zip(members, rows.clocks, strict=True)
    ]
