"""A PostgreSQL database as the stores use it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from telemetry.store.database import Database, Session

CONNECT_SECONDS = 5
SETTINGS = "-c search_path=telemetry -c lock_timeout=10000 -c jit=off"
LOCK = 7_304_551  # any number nobody else takes


class PostgresSession(Session):
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(_translated(statement), values, binary=True).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        return self._connection.execute(_translated(statement), values).rowcount

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with self._connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)

    def add_new(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        into, names = sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        like = sql.SQL("CREATE TEMP TABLE arrived ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0")
        self._connection.execute(like.format(names, into))
        self.add("arrived", columns, rows)
        moved = sql.SQL("INSERT INTO {} ({}) SELECT * FROM arrived ON CONFLICT DO NOTHING")
        self._connection.execute(moved.format(into, names))

    def enter_alone(self) -> None:
        self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))


class Postgres(Database):
    """`schema` is what each version adds to the one before it; table `part` says which there is."""

    FAILURE = psycopg.OperationalError
    READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    WRITE = "BEGIN"

    def __init__(self, url: str, part: str, schema: Sequence[str]) -> None:
        super().__init__()
        self._url = url
        self._part = part
        self._schema = schema
        self._is_current = False

    def size_bytes(self) -> int:
        with self.reading() as session:
            ((size,),) = session.rows(
                "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'telemetry'::regnamespace"
            )
        return int(size)

    def _session(self, connection: psycopg.Connection) -> Session:
        return PostgresSession(connection)

    def _connected(self) -> psycopg.Connection:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="aiops-telemetry",
            options=SETTINGS,
        )
        if not self._is_current:
            self._bring_up_to_date(connection)
        return connection

    def _bring_up_to_date(self, connection: psycopg.Connection) -> None:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute("CREATE SCHEMA IF NOT EXISTS telemetry")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS part (name text PRIMARY KEY, version integer NOT NULL)"
            )
            found = connection.execute(
                "SELECT version FROM part WHERE name = %s", (self._part,)
            ).fetchone()
            for addition in self._schema[found[0] if found else 0 :]:
                connection.execute(addition)
            connection.execute(
                "INSERT INTO part VALUES (%s, %s) ON CONFLICT (name) DO UPDATE"
                " SET version = greatest(part.version, excluded.version)",
                (self._part, len(self._schema)),
            )
        self._is_current = True


@lru_cache(maxsize=256)
def _translated(statement: str) -> str:
    return statement.replace("?", "%s")
