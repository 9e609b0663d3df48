"""Samples for a store of metrics, and what it holds of them."""

from collections.abc import Mapping

import numpy as np

from telemetry.store.frames import Batch, Matcher
from telemetry.store.metrics import MetricStore

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOON_MS = 20_000 * DAY_MS + 12 * HOUR_MS
ALWAYS = (0, 2**61)
STALE = np.array([0x7FF0000000000002], np.uint64).view(np.float64)[0]

Labels = Mapping[str, str]
Sample = tuple[Labels, int, float]


def batch(*samples: Sample) -> Batch:
    labels, at_ms, values = zip(*samples, strict=True) if samples else ((), (), ())
    return Batch(
        labels, np.arange(len(labels)), np.array(at_ms, np.int64), np.array(values, np.float64)
    )


def up(**labels: str) -> Labels:
    return {"__name__": "up", **labels}


def held(store: MetricStore, *selector: Matcher, start=ALWAYS[0], end=ALWAYS[1]):
    """Every sample by labels and time; each series in one frame, its times ascending."""
    found = {}
    for frame in store.select(selector, start, end):
        assert frame.values.shape == (len(frame.labels), len(frame.at_ms))
        assert (np.diff(frame.at_ms) > 0).all()
        for labels, values in zip(frame.labels, frame.values, strict=True):
            assert labels not in found.values()
            key = tuple(sorted(labels.items()))
            assert key not in found
            found[key] = dict(zip(frame.at_ms.tolist(), values.tolist(), strict=True))
    return found


def key(labels: Labels):
    return tuple(sorted(labels.items()))


def settle(store, until_ms):
    """All that is due by then and an hour later."""
    for now_ms in (until_ms, until_ms + HOUR_MS):
        while not store.compact(now_ms).is_done:
            pass
