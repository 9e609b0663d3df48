"""What is too old is deleted, a little at a time, and with it the series that have nothing left."""

from collections import defaultdict
from collections.abc import Iterable

import orjson

from telemetry.store.database import Database, Session
from telemetry.store.known_series import METRIC_SHIFT, known_labels

BLOCKS_A_STEP = 100
SERIES_A_STEP = 1_000


def forget(database: Database, before_ms: int) -> int:
    """Returns how many blocks were deleted; one that ends later stays whole."""
    deleted = 0
    while step := _forget_blocks(database, before_ms):
        deleted += step
    while _forget_series(database, before_ms):
        pass
    return deleted


def _forget_blocks(database: Database, before_ms: int) -> int:
    with database.writing() as session:
        session.enter_alone()
        return session.change(
            "DELETE FROM block WHERE id IN"
            " (SELECT id FROM block WHERE end_ms < ? ORDER BY end_ms LIMIT ?)",
            *(before_ms, BLOCKS_A_STEP),
        )


def _forget_series(database: Database, before_ms: int) -> int:
    """One that gets a sample while we are at it stays."""
    with database.writing() as session:
        session.enter_alone()
        gone = session.rows(
            "DELETE FROM series WHERE last_ms < ? AND id IN"
            " (SELECT id FROM series WHERE last_ms < ? LIMIT ?) RETURNING id, labels",
            *(before_ms, before_ms, SERIES_A_STEP),
        )
        _forget_labels(session, [(number, orjson.loads(text)) for number, text in gone])
        session.change_among(
            "DELETE FROM metric WHERE NOT EXISTS (SELECT 1 FROM series WHERE"
            " series.id >= metric.id << ? AND series.id < (metric.id + 1) << ?) AND id IN ({})",
            *(METRIC_SHIFT, METRIC_SHIFT),
            among={number >> METRIC_SHIFT for number, _ in gone},
        )
    return len(gone)


def _forget_labels(session: Session, gone: Iterable[tuple[int, dict[str, str]]]) -> None:
    holders: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, labels in gone:
        for name, value in labels.items():
            holders[name][value].append(number)
    for name, by_value in holders.items():
        ids = known_labels(session, name, by_value)
        for value, label in ids.items():
            session.change_among(
                "DELETE FROM posting WHERE label_id = ? AND series_id IN ({})",
                label,
                among=by_value[value],
            )
        session.change_among(
            "DELETE FROM label WHERE NOT EXISTS"
            " (SELECT 1 FROM posting WHERE label_id = label.id) AND id IN ({})",
            among=ids.values(),
        )
