"""A SQLite file as the stores use it."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telemetry.store.database import Database, Session

PATIENCE_SECONDS = 10.0
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # what was acknowledged must outlive a power cut, not only a crash
    "secure_delete=OFF",  # blocks are deleted all the time and hold no secrets
    "wal_autocheckpoint=4000",
    "journal_size_limit=67108864",
    "cache_size=-8000",
    "mmap_size=268435456",
    "temp_store=MEMORY",
)


class SqliteSession(Session):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        return self._connection.execute(statement, values).rowcount

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(_insert("INSERT", table, columns), rows)

    def add_new(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(_insert("INSERT OR IGNORE", table, columns), rows)

    def enter_alone(self) -> None:
        """A SQLite file has one writer at a time anyway."""


class Sqlite(Database):
    """`schema` is what each version adds to the one before it; the file says which it has."""

    FAILURE = sqlite3.OperationalError
    READ = "BEGIN"
    WRITE = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        super().__init__()
        self._path = path
        self._schema = schema
        self._is_current = False
        self._writer = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Our own threads take turns here, where nobody sleeps longer than needed."""
        with self._writer, super().writing() as session:
            yield session

    def size_bytes(self) -> int:
        parts = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    def _session(self, connection: sqlite3.Connection) -> Session:
        return SqliteSession(connection)

    def _connected(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if not self._is_current:
            self._bring_up_to_date(connection)
        return connection

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for addition in self._schema[version:]:
            for statement in _statements(addition):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={max(version, len(self._schema))}")
        connection.execute("COMMIT")
        self._is_current = True


def _insert(verb: str, table: str, columns: Sequence[str]) -> str:
    places = ", ".join("?" * len(columns))
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({places})"


def _statements(script: str) -> Iterator[str]:
    """One after the other; a trigger has semicolons of its own."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
