"""What the status tiles measure."""

import tomllib
from collections.abc import Sequence
from math import ceil
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from incidents.models import Message
from telemetry import own_metrics, own_records
from telemetry.tally import TALLY

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


def telemetry_size() -> str:
    """Of what the console keeps itself. Raises Unavailable."""
    metrics = own_metrics.store().size().disk_bytes
    return _mebibytes(metrics + own_records.logs().size_bytes() + own_records.spans().size_bytes())


def telemetry_rates() -> str:
    rates = sorted(TALLY.a_second().items())
    return ", ".join(f"{kind} {rate:,.1f}/s" for kind, rate in rates) or "nothing yet"


def telemetry_refusals() -> str:
    """The commonest reasons first."""
    return ", ".join(f"{reason}: {count}" for reason, count in TALLY.refused().most_common(3))


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB"
