"""Which samples a selector sees at each step: the newest one, or those of a window."""

from collections.abc import Sequence

import numpy as np

from telemetry.promql.vectors import Indexes, Labels, Mask, Vector, Windows
from telemetry.store.frames import Frame, Times, Values

LOOKBACK_MS = 5 * 60 * 1000
STALE_BITS = 0x7FF0000000000002


def is_stale(values: Values) -> Mask:
    return np.equal(np.ascontiguousarray(values).view(np.int64), STALE_BITS)


def newest(frames: Sequence[Frame], moments: Times) -> tuple[Vector, Values]:
    """The newest sample at or before each moment, up to five minutes old; and its time in seconds.

    A series whose newest sample is a staleness marker is not there.
    """
    frames = [frame for frame in frames if frame.at_ms.size]
    labels = [each for frame in frames for each in frame.labels]
    values = np.empty((len(labels), moments.size))
    present = np.empty(values.shape, dtype=bool)
    seconds = np.empty(values.shape)
    row = 0
    for frame in frames:
        rows = slice(row, row + len(frame.labels))
        index = frame.at_ms.searchsorted(moments, side="right") - 1
        at_ms = frame.at_ms[index]
        np.take(frame.values, index, axis=1, out=values[rows], mode="wrap")
        present[rows] = (index >= 0) & (at_ms >= moments - LOOKBACK_MS)
        seconds[rows] = at_ms / 1000
        row = rows.stop
    if np.isnan(values).any():
        present &= ~is_stale(values)
    return Vector(labels, values, present), seconds


def windows(frames: Sequence[Frame], moments: Times, range_ms: int) -> Windows:
    """The samples from `range_ms` before each moment up to it, both ends included."""
    frames = [frame for frame in frames if frame.at_ms.size]
    labels: list[Labels] = [each for frame in frames for each in frame.labels]
    first = np.empty((len(labels), moments.size), dtype=np.intp)
    end = np.empty_like(first)
    row = start = 0
    for frame in frames:
        rows, count = len(frame.labels), frame.at_ms.size
        begins = start + count * np.arange(rows, dtype=np.intp)[:, None]
        np.add(begins, frame.at_ms.searchsorted(moments - range_ms), out=first[row : row + rows])
        np.add(begins, frame.at_ms.searchsorted(moments, "right"), out=end[row : row + rows])
        row, start = row + rows, start + rows * count
    at_ms = np.concatenate([*(np.tile(f.at_ms, len(f.labels)) for f in frames), np.zeros(1, int)])
    values = np.concatenate([*(frame.values.ravel() for frame in frames), np.zeros(1)])
    seen = Windows(labels, at_ms, values, first, end, moments - range_ms, moments)
    return _without_markers(seen)


def windows_of(vector: Vector, times: Times, moments: Times, range_ms: int) -> Windows:
    """The same windows over what a vector is at some times."""
    steps = times.size
    before: Indexes = np.concatenate([[0], np.cumsum(vector.present)])
    row = steps * np.arange(len(vector.labels), dtype=np.intp)[:, None]
    rows, columns = np.nonzero(vector.present)
    return Windows(
        vector.labels,
        np.append(times[columns], 0),
        np.append(vector.values[rows, columns], 0.0),
        before[row + times.searchsorted(moments - range_ms)],
        before[row + times.searchsorted(moments, "right")],
        moments - range_ms,
        moments,
    )


def _without_markers(seen: Windows) -> Windows:
    if not np.isnan(seen.values).any():
        return seen
    kept = ~is_stale(seen.values)
    if kept.all():
        return seen
    before: Indexes = np.concatenate([[0], np.cumsum(kept)])
    return Windows(
        seen.labels,
        seen.at_ms[kept],
        seen.values[kept],
        before[seen.first],
        before[seen.end],
        seen.starts_ms,
        seen.ends_ms,
    )
