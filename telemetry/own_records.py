"""The logs and traces that the console keeps itself."""

import os
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from telemetry.store.logs import LogStore, open_logs
from telemetry.store.spans import SpanStore, open_spans


def logs() -> LogStore:
    """This process's. It connects when it is first used, so not before the parent forks."""
    return _opened_logs(settings.TELEMETRY_URL, os.getpid())


def spans() -> SpanStore:
    """As `logs`."""
    return _opened_spans(settings.TELEMETRY_URL, os.getpid())


def forget_old(now: datetime) -> None:
    """What is older than the settings say."""
    logs().forget(_ns(now - timedelta(days=settings.KEEP_LOGS_DAYS)))
    spans().forget(_ns(now - timedelta(days=settings.KEEP_TRACES_DAYS)))


@lru_cache(maxsize=1)
def _opened_logs(url: str, process: int) -> LogStore:
    return open_logs(url)


@lru_cache(maxsize=1)
def _opened_spans(url: str, process: int) -> SpanStore:
    return open_spans(url)


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000
