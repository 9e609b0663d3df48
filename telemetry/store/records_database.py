"""Where logs and spans are kept: a SQLite file for each, or tables of a PostgreSQL database."""

from pathlib import Path
from typing import Any, Literal

from telemetry.store.database import Database
from telemetry.store.postgres import Postgres
from telemetry.store.sqlite import Sqlite

Dialect = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]


def open_records(
    url: str, part: str, *, sqlite_schema: str, postgres_schema: str
) -> tuple[Database, Dialect]:
    """`url` is the address of the metric store. Beside its SQLite file each part has one of its
    own, so that nobody waits for another's lock."""
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        return Sqlite(file.with_stem(f"{file.stem}-{part}"), [sqlite_schema]), "sqlite"
    return Postgres(url, part, [postgres_schema]), "postgresql"


def attribute_path(name: str, dialect: Dialect) -> str:
    """What stands right of `->>` for one key of a document; SQLite takes dots for levels."""
    return f'$."{name.replace(chr(34), "")}"' if dialect == "sqlite" else name
