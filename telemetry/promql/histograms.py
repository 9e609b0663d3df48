"""`histogram_quantile`: buckets that differ in `le` alone are one histogram."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from telemetry.promql.quantiles import of_histogram
from telemetry.promql.vectors import NAME, Indexes, Labels, Mask, Vector, key_of, merged, none
from telemetry.store.frames import Values

BUCKET = "le"
_NUMBER = re.compile(
    r"[+-]?(?:inf(?:inity)?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.IGNORECASE | re.ASCII
)
Layout = tuple[float, ...]


def histogram_quantile(wanted: Values, buckets: Vector) -> Vector:
    """`wanted` is (s,). Series without a readable `le` are passed over."""
    answers = [
        _of_layout(wanted, buckets, layout, histograms)
        for layout, histograms in _by_layout(buckets.labels).items()
    ]
    if not answers:
        return none(wanted.size)
    labels = [each for answer in answers for each in answer.labels]
    values = np.concatenate([answer.values for answer in answers])
    present = np.concatenate([answer.present for answer in answers])
    return merged(Vector(labels, values, present))


def _by_layout(labels: Sequence[Labels]) -> dict[Layout, list[list[int]]]:
    """Rows by histogram, sorted by bound; histograms by their bounds."""
    histograms: dict[object, list[tuple[float, int]]] = defaultdict(list)
    for row, each in enumerate(labels):
        if _NUMBER.fullmatch(each.get(BUCKET, "")):
            name = each.get(NAME)
            histograms[name, key_of(_of_histogram(each))].append((float(each[BUCKET]), row))
    layouts: dict[Layout, list[list[int]]] = defaultdict(list)
    for buckets in histograms.values():
        bounds, rows = zip(*sorted(buckets), strict=True)
        layouts[bounds].append(list(rows))
    return layouts


def _of_histogram(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name not in (NAME, BUCKET)}


def _of_layout(
    wanted: Values, buckets: Vector, layout: Layout, histograms: list[list[int]]
) -> Vector:
    rows: Indexes = np.array(histograms, dtype=np.intp).T  # (b, h)
    present = buckets.present[rows]  # (b, h, s)
    steps = present.shape[-1]
    values = np.empty(present.shape[1:])
    there = present.reshape(len(layout), -1)
    counts = buckets.values[rows].reshape(there.shape)
    each_wanted = np.tile(wanted, len(histograms))
    flat = values.ravel()
    for cells, pattern in _by_pattern(there):
        bounds, merged_counts = _coalesced(np.array(layout)[pattern], counts[pattern][:, cells])
        flat[cells] = of_histogram(each_wanted[cells], bounds, merged_counts)
    labels = [_of_histogram(buckets.labels[row]) for row in rows[0].tolist()]
    return Vector(labels, flat.reshape(-1, steps), np.asarray(present.any(axis=0)))


def _by_pattern(there: Mask) -> Iterator[tuple[Indexes, Mask]]:
    """Which buckets are there, for those columns of (b, k) that have the same; most have all."""
    whole = there.all(axis=0)
    if whole.any():
        yield np.nonzero(whole)[0], np.ones(len(there), dtype=bool)
    partly = np.nonzero(there.any(axis=0) & ~whole)[0]
    patterns, which = np.unique(there[:, partly], axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        yield partly[which == number], pattern


def _coalesced(bounds: Values, counts: Values) -> tuple[Values, Values]:
    """Bounds that are written differently may be the same number."""
    distinct, starts = np.unique(bounds, return_index=True)
    if distinct.size == bounds.size:
        return bounds, counts
    return distinct, np.add.reduceat(counts, starts, axis=0)
