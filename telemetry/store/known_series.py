"""Which number a series has: labels to ids, and new series up to a limit.

An id is the metric's number followed by one within the metric, so that in the order of ids the
samples of a metric lie together. No id is ever used again.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson

from telemetry.store.database import Session
from telemetry.store.frames import Times
from telemetry.store.rows import Ids

NAME = "__name__"
METRIC_SHIFT = 32
HOUR_MS = 3_600_000
HOURS_NOTED = 4
LONGEST_LABEL = 2_000  # bytes; an index of PostgreSQL takes not much more
NOT_BEGUN_MS, NOT_ENDED_MS = 2**62, -(2**62)

BAD_LABELS = -1  # instead of an id
TOO_MANY = -2

Labels = Mapping[str, str]


class SeriesGone(Exception):
    """Series that we knew were deleted by another process."""


@dataclass
class Learned:
    """What a transaction has found out; true once it is committed."""

    ids: dict[bytes, int] = field(default_factory=dict)
    noted: dict[int, set[int]] = field(default_factory=dict)


class KnownSeries:
    """What this process remembers of them, and how it asks for the rest."""

    def __init__(self, max_series: int) -> None:
        self._max_series = max_series
        self.forget()

    def forget(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._noted: dict[int, set[int]] = {}

    def remember(self, learned: Learned) -> None:
        if len(self._ids) + len(learned.ids) > self._max_series:
            self._ids.clear()
        self._ids.update(learned.ids)
        for hour, ids in learned.noted.items():
            self._noted.setdefault(hour, set()).update(ids)
        while len(self._noted) > HOURS_NOTED:
            self._noted.pop(min(self._noted))

    def ids_of(self, session: Session, series: Sequence[Labels], learned: Learned) -> Ids:
        """An id for each, BAD_LABELS or TOO_MANY."""
        keys = [_key_of(labels) for labels in series]
        missing = {
            key: labels
            for key, labels in zip(keys, series, strict=True)
            if key and key not in self._ids
        }
        if missing:
            learned.ids.update(_found(session, missing))
            self._create(session, missing, learned)
        return np.array([self._id_of(key, learned) for key in keys], np.int64)

    def note(self, session: Session, ids: Ids, at_ms: Times, learned: Learned) -> None:
        """Keeps, to the hour, from when to when there are samples. Raises SeriesGone."""
        hours = at_ms // HOUR_MS
        for hour in np.unique(hours).tolist():
            new = set(ids[hours == hour].tolist()) - self._noted.get(hour, set())
            if not new:
                continue
            first, last = hour * HOUR_MS, (hour + 1) * HOUR_MS - 1
            changed = session.change_among(
                "UPDATE series SET first_ms = CASE WHEN first_ms > ? THEN ? ELSE first_ms END,"
                " last_ms = CASE WHEN last_ms < ? THEN ? ELSE last_ms END WHERE id IN ({})",
                *(first, first, last, last),
                among=sorted(new),
            )
            if changed < len(new):
                raise SeriesGone
            learned.noted[hour] = new

    def _id_of(self, key: bytes, learned: Learned) -> int:
        known = self._ids.get(key) or learned.ids.get(key)
        if known is None:
            return TOO_MANY if key else BAD_LABELS
        return known

    def _create(self, session: Session, missing: dict[bytes, Labels], learned: Learned) -> None:
        """Another process may be creating the same ones, so we look again once we are alone."""
        if missing.keys() <= learned.ids.keys():
            return
        session.enter_alone()
        learned.ids.update(_found(session, missing))
        room = self._max_series - session.rows("SELECT count(*) FROM series")[0][0]
        new = [key for key in missing if key not in learned.ids][: max(room, 0)]
        ids = _new_ids(session, [missing[key][NAME] for key in new])
        _insert(session, new, ids, [missing[key] for key in new])
        learned.ids.update(zip(new, ids, strict=True))


def _key_of(labels: Labels) -> bytes:
    """The same for the same labels; nothing for labels that no index takes."""
    try:
        text = _canonical(labels)
    except orjson.JSONEncodeError:
        return b""
    if _is_too_long(text, labels) or not labels.get(NAME) or rb"\u0000" in text:
        return b""
    return hashlib.blake2b(text, digest_size=16).digest()


def _is_too_long(text: bytes, labels: Labels) -> bool:
    """Mostly they are short together."""
    return len(text) > LONGEST_LABEL and any(
        len(name.encode()) + len(value.encode()) > LONGEST_LABEL for name, value in labels.items()
    )


def _canonical(labels: Labels) -> bytes:
    """An empty label is none, as in Prometheus."""
    present = {name: value for name, value in labels.items() if value}
    return orjson.dumps(present, option=orjson.OPT_SORT_KEYS)


def _found(session: Session, keys: Iterable[bytes]) -> dict[bytes, int]:
    found = session.rows_among("SELECT key, id FROM series WHERE key IN ({})", among=keys)
    return {bytes(key): number for key, number in found}


def _new_ids(session: Session, names: Sequence[str]) -> list[int]:
    """One for each name of a metric."""
    next_of: dict[str, int] = {}
    for name, count in Counter(names).items():
        ((metric, taken),) = session.rows(
            "INSERT INTO metric (name, taken) VALUES (?, ?) ON CONFLICT (name)"
            " DO UPDATE SET taken = metric.taken + excluded.taken RETURNING id, taken",
            *(name, count),
        )
        next_of[name] = (metric << METRIC_SHIFT) + taken - count
    ids = []
    for name in names:
        ids.append(next_of[name])
        next_of[name] += 1
    return ids


def _insert(
    session: Session, keys: Sequence[bytes], ids: Sequence[int], series: Sequence[Labels]
) -> None:
    texts = [_canonical(labels).decode() for labels in series]
    session.add(
        "series",
        ("id", "key", "first_ms", "last_ms", "labels"),
        (
            (number, key, NOT_BEGUN_MS, NOT_ENDED_MS, text)
            for number, key, text in zip(ids, keys, texts, strict=True)
        ),
    )
    session.add("posting", ("label_id", "series_id"), _postings(session, ids, series))


def _postings(
    session: Session, ids: Sequence[int], series: Sequence[Labels]
) -> list[tuple[int, int]]:
    """Every label but the metric's name, which the id says."""
    holders: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, labels in zip(ids, series, strict=True):
        for name, value in labels.items():
            if name != NAME and value:
                holders[name][value].append(number)
    return [
        (label, number)
        for name, by_value in holders.items()
        for value, label in _label_ids(session, name, by_value).items()
        for number in by_value[value]
    ]


def _label_ids(session: Session, name: str, values: Iterable[str]) -> dict[str, int]:
    known = known_labels(session, name, values)
    new = [value for value in values if value not in known]
    session.add("label", ("name", "value"), ((name, value) for value in new))
    return known | known_labels(session, name, new)


def known_labels(session: Session, name: str, values: Iterable[str]) -> dict[str, int]:
    return dict(
        session.rows_among(
            "SELECT value, id FROM label WHERE name = ? AND value IN ({})", name, among=values
        )
    )
