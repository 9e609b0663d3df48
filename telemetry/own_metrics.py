"""The metrics that the console keeps itself."""

import os
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from telemetry.store.metrics import MetricStore
from telemetry.store.opening import open_metrics


def store() -> MetricStore:
    """This process's. It connects when it is first used, so not before the parent forks."""
    return _opened(settings.TELEMETRY_URL, os.getpid())


def compact(now: datetime) -> bool:
    """Whether that was all for now."""
    return store().compact(_ms(now)).is_done


def forget_old(now: datetime) -> bool:
    """Rolls up and forgets what is older than the settings say; whether that was all for now."""
    rolled_up = store().roll_up(_ms(now - timedelta(days=settings.KEEP_METRICS_DAYS)))
    store().forget(_ms(now - timedelta(days=settings.KEEP_ROLLUPS_DAYS)))
    return rolled_up.is_done


@lru_cache(maxsize=1)
def _opened(url: str, process: int) -> MetricStore:
    return open_metrics(url)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
