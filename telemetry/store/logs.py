"""Logs kept by the console itself: full text in SQLite's FTS5 or PostgreSQL's text search."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from telemetry.records import LogRecord
from telemetry.store.database import Database
from telemetry.store.records_database import Dialect, Row, attribute_path, open_records
from telemetry.store.schemas import POSTGRES_LOGS, SQLITE_LOGS

MOST_FOUND = 1000
MOST_WORDS = 20
FORGET_A_TURN = 5_000
_COLUMNS = ("at_ns", "service", "severity", "body", "attributes", "trace_id", "span_id")
_SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM log"  # noqa: S608 (columns of this module)
_WORDS = {
    "sqlite": "id IN (SELECT rowid FROM log_words WHERE log_words MATCH ?)",
    "postgresql": "words(body) @@ to_tsquery('simple', ?)",
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
    """Committed when `append` returns. Each deed raises `database.Unavailable`."""

    def __init__(self, database: Database, dialect: Dialect) -> None:
        self._database = database
        self._dialect = dialect

    def append(self, records: Iterable[LogRecord]) -> None:
        with self._database.writing() as session:
            session.add("log", _COLUMNS, map(_row_of, records))

    def search(self, query: LogQuery, limit: int = 100) -> list[KeptLog]:
        """Newest first, at most MOST_FOUND. Raises TextTooLong."""
        where, values = _conditions(query, self._dialect)
        statement = f"{_SELECT} WHERE {where} ORDER BY at_ns DESC, id DESC LIMIT ?"
        with self._database.reading() as session:
            rows = session.rows(statement, *values, min(limit, MOST_FOUND))
        return [_kept(row) for row in rows]

    def count(self, query: LogQuery, step_ns: int) -> list[tuple[int, int, int]]:
        """(start of the step in ns, severity, how many), oldest first; empty steps left out."""
        where, values = _conditions(query, self._dialect)
        statement = (
            "SELECT at_ns / ? AS step, severity, COUNT(*) FROM log"  # noqa: S608 (conditions of this module)
            f" WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        with self._database.reading() as session:
            rows = session.rows(statement, step_ns, *values)
        return [(int(step) * step_ns, severity, count) for step, severity, count in rows]

    def services(self, start_ns: int, end_ns: int) -> list[str]:
        statement = "SELECT DISTINCT service FROM log WHERE at_ns BETWEEN ? AND ? ORDER BY 1"
        with self._database.reading() as session:
            return [row[0] for row in session.rows(statement, start_ns, end_ns)]

    def forget(self, before_ns: int) -> int:
        """Deletes what is older, a few thousand at a time so that nobody waits long; how many."""
        forgotten = 0
        while deleted := self._forget_some(before_ns):
            forgotten += deleted
        return forgotten

    def size_bytes(self) -> int:
        return self._database.size_bytes()

    def close(self) -> None:
        self._database.close()

    def _forget_some(self, before_ns: int) -> int:
        statement = (
            "DELETE FROM log WHERE id IN"
            " (SELECT id FROM log WHERE at_ns < ? ORDER BY at_ns LIMIT ?)"
        )
        with self._database.writing() as session:
            return session.change(statement, before_ns, FORGET_A_TURN)


def open_logs(url: str) -> LogStore:
    """Connects when it is first used. Raises ValueError for an address of neither database."""
    return LogStore(
        *open_records(url, "logs", sqlite_schema=SQLITE_LOGS, postgres_schema=POSTGRES_LOGS)
    )


def _conditions(query: LogQuery, dialect: Dialect) -> tuple[str, list[Any]]:
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
    if text := _text_query(query.text, dialect):
        wanted.append((_WORDS[dialect], [text]))
    for name, value in query.attributes.items():
        wanted.append((_ATTRIBUTE, [attribute_path(name, dialect), value]))
    return " AND ".join(sql for sql, _ in wanted), [v for _, values in wanted for v in values]


def _text_query(text: str, dialect: Dialect) -> str:
    """What is neither letter nor digit divides words here as in the index, so `10.0.0.1` is a
    phrase of four. Nothing of the text is left that either query language would understand."""
    chunks = [match[1] or match[2] or "" for match in _CHUNK.finditer(text)]
    phrases = [(_WORD.findall(chunk), chunk.endswith("*")) for chunk in chunks]
    if sum(len(words) for words, _ in phrases) > MOST_WORDS:
        raise TextTooLong(f"A search may have {MOST_WORDS} words.")
    spelled = _spelled_for_fts5 if dialect == "sqlite" else _spelled_for_tsquery
    joint = " AND " if dialect == "sqlite" else " & "
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
