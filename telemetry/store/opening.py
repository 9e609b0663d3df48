"""The right store for an address."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from telemetry.store import postgres_metrics, sqlite_metrics
from telemetry.store.metrics import MetricStore


def open_metrics(url: str) -> MetricStore:
    """From sqlite:////path/of/file or postgresql://user:password@host/name.

    Connects when it is first used. Raises ValueError, which does not repeat the address.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and len(parts.path) > 1:
        return sqlite_metrics.open_sqlite(Path(unquote(parts.path[1:])))
    if parts.scheme in {"postgres", "postgresql"}:
        return postgres_metrics.open_postgres(url)
    raise ValueError(
        "The address of the telemetry store is none we know. Use one of: "
        "sqlite:////path/of/file, postgresql://user:password@host/name."
    )
