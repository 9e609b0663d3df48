"""Batches of several deliveries are appended together, and each still hears of its own."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from telemetry.store.frames import Batch
from telemetry.store.metrics import Appended, MetricStore

Places = npt.NDArray[np.int64]


def append_each(store: MetricStore, batches: Sequence[Batch]) -> list[Appended]:
    """All at once; when some are refused each again by itself, to see whose they are. What is kept
    by then is recognised. Raises Unavailable."""
    together = joined(batches)
    if not len(together.values):
        return [Appended(0)] * len(batches)
    appended = store.append(together)
    if not appended.refused:
        return [Appended(len(batch.values)) for batch in batches]
    if len(batches) == 1:
        return [appended]
    return [store.append(batch) for batch in batches]


def joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    starts = np.cumsum([0, *(len(batch.labels) for batch in batches)])
    return Batch(
        [labels for batch in batches for labels in batch.labels],
        np.concatenate([np.zeros(0, np.int64), *_shifted(batches, starts.tolist())]),
        np.concatenate([np.zeros(0, np.int64), *(batch.at_ms for batch in batches)]),
        np.concatenate([np.zeros(0, np.float64), *(batch.values for batch in batches)]),
    )


def _shifted(batches: Sequence[Batch], starts: Sequence[int]) -> list[Places]:
    return [batch.series + start for batch, start in zip(batches, starts, strict=False)]
