"""The two databases logs and spans may be kept in, asked with the same SQL.

Placeholders are `?`. Connections belong to one thread of one process: a forked child opens its own.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

BUSY_SECONDS = 5.0
Row = tuple[Any, ...]


class Transaction(Protocol):
    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Database(Protocol):
    """What may fail is `Unavailable` of this module."""

    kind: str

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def change(self) -> AbstractContextManager[Transaction]: ...

    def close(self) -> None:
        """Of this thread's connection; the next use opens another."""


Unavailable = (sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError)


class SqliteDatabase:
    kind = "sqlite"

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._own = threading.local()

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection().execute(sql, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[Transaction]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield _SqliteTransaction(connection)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def close(self) -> None:
        if getattr(self._own, "pid", None) == os.getpid():
            self._own.connection.close()
            self._own.pid = None

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._own, "pid", None) != os.getpid():
            self._own.connection = self._open()
            self._own.pid = os.getpid()
        connection: sqlite3.Connection = self._own.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(f"BEGIN IMMEDIATE; {self._schema}; COMMIT;")
        return connection


class _SqliteTransaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)


class PostgresDatabase:
    kind = "postgresql"

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._own = threading.local()

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self.change() as transaction:
            return transaction.execute(sql, values)

    @contextmanager
    def change(self) -> Iterator[Transaction]:
        connection = self._connection()
        with connection.transaction(), connection.cursor() as cursor:
            yield _PostgresTransaction(cursor)

    def close(self) -> None:
        if getattr(self._own, "pid", None) == os.getpid():
            self._own.connection.close()
            self._own.pid = None

    def _connection(self) -> psycopg.Connection[Row]:
        known = getattr(self._own, "connection", None)
        if known is None or known.closed or self._own.pid != os.getpid():
            self._own.connection = self._open()
            self._own.pid = os.getpid()
        connection: psycopg.Connection[Row] = self._own.connection
        return connection

    def _open(self) -> psycopg.Connection[Row]:
        connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('telemetry'))")
            connection.execute("CREATE SCHEMA IF NOT EXISTS telemetry")
            connection.execute("SET search_path TO telemetry, public")
            connection.execute(self._schema)
        return connection


class _PostgresTransaction:
    def __init__(self, cursor: psycopg.Cursor[Row]) -> None:
        self._cursor = cursor

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        self._cursor.execute(_with_percent(sql), values)
        return self._cursor.fetchall() if self._cursor.description else []

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._cursor.executemany(_with_percent(sql), rows)


def _with_percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def open_database(url: str, *, sqlite_schema: str, postgres_schema: str) -> Database:
    """`sqlite:////path/of/the/file` or `postgresql://...`. Opens nothing before the first use."""
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), sqlite_schema)
    return PostgresDatabase(url, postgres_schema)


def attribute_path(name: str, kind: str) -> str:
    """What stands right of `->>` for one key of a document; SQLite takes dots for levels."""
    return f'$."{name.replace(chr(34), "")}"' if kind == "sqlite" else name
