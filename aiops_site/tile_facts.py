"""What the status tiles measure."""

import tomllib
from collections.abc import Sequence
from math import ceil
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from incidents.models import Message

DELIVERIES = 100


def version() -> str:
    """As pyproject.toml says: the console is run from its own tree."""
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def seconds_to_alert() -> list[float]:
    """From accepting a delivery to its alerts, of the last hundred that were read."""
    read = Message.objects.filter(state=Message.State.PROCESSED, processed_at__isnull=False)
    rows = read.order_by("-pk").values_list("received_at", "processed_at")[:DELIVERIES]
    return [(done - received).total_seconds() for received, done in rows if done]


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank. Raises IndexError when there are none."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def database_size(cursor: CursorWrapper) -> str:
    if connection.vendor == "postgresql":
        cursor.execute("SELECT pg_database_size(current_database())")
        return _mebibytes(cursor.fetchone()[0])
    name = Path(str(settings.DATABASES["default"]["NAME"]))
    files = (name, name.with_name(f"{name.name}-wal"))
    return _mebibytes(sum(file.stat().st_size for file in files if file.exists()))


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB"
