"""Logs kept by the console itself: full text in SQLite's FTS5 or PostgreSQL's text search."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from telemetry.records import LogRecord
from telemetry.store.databases import Database, Row, attribute_path, open_database
from telemetry.store.schemas import POSTGRES_LOGS, SQLITE_LOGS

MOST_FOUND = 1000
MOST_WORDS = 20
FORGET_A_TURN = 5_000
_COLUMNS = "id, at_ns, service, severity, body, attributes, trace_id, span_id"
_INSERT = (
    "INSERT INTO log (at_ns, service, severity, body, attributes, trace_id, span_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_WORDS = {
    "sqlite": "id IN (SELECT rowid FROM log_words WHERE log_words MATCH ?)",
    "postgresql": "telemetry.words(body) @@ to_tsquery('simple', ?)",
}
_ATTRIBUTE = "attributes ->> ? = ?"
_CHUNK = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"[^\W_]+")


class TextTooLong(ValueError):
    """More words than a search may have."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """`text` is words that all must occur, in any order; "in quotes" a phrase; `conn*` a beginning.

    `before` is the (at_ns, id) of the last record of the page before: newest come first.
    """

    start_ns: int
    end_ns: int
    text: str = ""
    service: str = ""
    least_severity: int = 0
    trace_id: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    before: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class KeptLog:
    id: int
    record: LogRecord


class LogStore:
    """Committed when `append` returns. Raises `databases.Unavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, records: Sequence[LogRecord]) -> None:
        with self._database.change() as transaction:
            transaction.execute_many(_INSERT, map(_row_of, records))

    def search(self, query: LogQuery, limit: int = 100) -> list[KeptLog]:
        """Newest first, at most MOST_FOUND. Raises TextTooLong."""
        where, values = _conditions(query, self._database.kind)
        rows = self._database.ask(
            f"SELECT {_COLUMNS} FROM log WHERE {where} ORDER BY at_ns DESC, id DESC LIMIT ?",  # noqa: S608 (columns and conditions of this module)
            [*values, min(limit, MOST_FOUND)],
        )
        return [_kept(row) for row in rows]

    def count(self, query: LogQuery, step_ns: int) -> list[tuple[int, int, int]]:
        """(start of the step in ns, severity, how many), oldest first; empty steps left out."""
        where, values = _conditions(query, self._database.kind)
        rows = self._database.ask(
            "SELECT at_ns / ? AS step, severity, COUNT(*) FROM log"  # noqa: S608 (as above)
            f" WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2",
            [step_ns, *values],
        )
        return [(int(step) * step_ns, severity, count) for step, severity, count in rows]

    def services(self, start_ns: int, end_ns: int) -> list[str]:
        rows = self._database.ask(
            "SELECT DISTINCT service FROM log WHERE at_ns BETWEEN ? AND ? ORDER BY 1",
            [start_ns, end_ns],
        )
        return [row[0] for row in rows]

    def forget(self, before_ns: int) -> int:
        """Deletes what is older, a few thousand at a time so that nobody waits long; how many."""
        forgotten = 0
        while deleted := self._forget_some(before_ns):
            forgotten += deleted
        return forgotten

    def close(self) -> None:
        self._database.close()

    def _forget_some(self, before_ns: int) -> int:
        with self._database.change() as transaction:
            oldest = transaction.execute(
                "SELECT id FROM log WHERE at_ns < ? ORDER BY at_ns LIMIT ?",
                [before_ns, FORGET_A_TURN],
            )
            transaction.execute_many("DELETE FROM log WHERE id = ?", oldest)
        return len(oldest)


def open_logs(url: str) -> LogStore:
    return LogStore(open_database(url, sqlite_schema=SQLITE_LOGS, postgres_schema=POSTGRES_LOGS))


def _conditions(query: LogQuery, kind: str) -> tuple[str, list[Any]]:
    wanted: list[tuple[str, list[Any]]] = [
        ("at_ns BETWEEN ? AND ?", [query.start_ns, query.end_ns])
    ]
    if query.before:
        wanted.append(("(at_ns, id) < (?, ?)", [*query.before]))
    if query.service:
        wanted.append(("service = ?", [query.service]))
    if query.least_severity:
        wanted.append(("severity >= ?", [query.least_severity]))
    if query.trace_id:
        wanted.append(("trace_id = ?", [query.trace_id]))
    if text := _text_query(query.text, kind):
        wanted.append((_WORDS[kind], [text]))
    for name, value in query.attributes.items():
        wanted.append((_ATTRIBUTE, [attribute_path(name, kind), value]))
    return " AND ".join(sql for sql, _ in wanted), [v for _, values in wanted for v in values]


def _text_query(text: str, kind: str) -> str:
    """What is neither letter nor digit divides words here as in the index, so `10.0.0.1` is a
    phrase of four. Nothing of the text is left that either query language would understand."""
    chunks = [match[1] or match[2] or "" for match in _CHUNK.finditer(text)]
    phrases = [(_WORD.findall(chunk), chunk.endswith("*")) for chunk in chunks]
    if sum(len(words) for words, _ in phrases) > MOST_WORDS:
        raise TextTooLong(f"A search may have {MOST_WORDS} words.")
    spelled = _spelled_for_fts5 if kind == "sqlite" else _spelled_for_tsquery
    joint = " AND " if kind == "sqlite" else " & "
    return joint.join(spelled(words, is_open) for words, is_open in phrases if words)


def _spelled_for_fts5(words: list[str], is_open: bool) -> str:  # noqa: FBT001
    return f'"{" ".join(words)}"{" *" if is_open else ""}'


def _spelled_for_tsquery(words: list[str], is_open: bool) -> str:  # noqa: FBT001
    return f"({' <-> '.join(words)}{':*' if is_open else ''})"


def _row_of(record: LogRecord) -> Row:
    return (
        record.at_ns,
        record.service,
        record.severity,
        record.body,
        orjson.dumps(dict(record.attributes)).decode(),
        record.trace_id,
        record.span_id,
    )


def _kept(row: Row) -> KeptLog:
    number, at_ns, service, severity, body, attributes, trace_id, span_id = row
    known = orjson.loads(attributes) if isinstance(attributes, str) else attributes
    return KeptLog(number, LogRecord(at_ns, service, severity, body, known, trace_id, span_id))
