"""Quantiles of samples and of histograms, as Prometheus interpolates them."""

import numpy as np

from telemetry.promql.vectors import Indexes, Mask
from telemetry.store.frames import Values


def quantile(wanted: Values, values: Values, present: Mask) -> Values:
    """Of each column of `values` (n, k) what is present in it; `wanted` is (k,). NaN is lowest."""
    count = present.sum(axis=0)
    # Turned around, NaN comes first; what is absent comes last, and nobody looks there.
    ordered = -np.sort(np.where(present, -values, -np.inf), axis=0)[::-1]
    rank = np.where((wanted >= 0) & (wanted <= 1), wanted, 0.0) * (count - 1)
    lower = np.maximum(np.floor(rank), 0).astype(np.intp)
    upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
    weight = rank - np.floor(rank)
    column = np.arange(values.shape[1])
    found = ordered[lower, column] * (1 - weight) + ordered[upper, column] * weight
    return _beyond(wanted, found)


def _beyond(wanted: Values, found: Values) -> Values:
    found = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, found))
    return np.where(np.isnan(wanted), np.nan, found)


def of_histogram(wanted: Values, bounds: Values, counts: Values) -> Values:
    """`bounds` (b,) are the buckets' upper ones, each once and ascending, `counts` (b, k)
    cumulative, `wanted` (k,). NaN without a bucket up to +Inf, or when it is the only one.
    """
    if bounds.size < 2 or bounds[-1] != np.inf:
        return _beyond(wanted, np.full(wanted.shape, np.nan))
    counts = np.where(np.isnan(counts), np.nan, np.fmax.accumulate(counts, axis=0))
    total = counts[-1]
    rank = wanted * total
    bucket = _first_reaching(rank, counts[:-1])
    column = np.arange(wanted.size)
    below = np.where(bucket > 0, counts[bucket - 1, column], 0.0)
    start = np.where(bucket > 0, bounds[bucket - 1], 0.0)
    share = (rank - below) / (counts[bucket, column] - below)
    found = start + (bounds[bucket] - start) * share
    found = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], found)
    found = np.where(bucket == bounds.size - 1, bounds[-2], found)
    return _beyond(wanted, np.where(total == 0, np.nan, found))


def _first_reaching(rank: Values, counts: Values) -> Indexes:
    """By halving, since among NaN it matters where one looks."""
    low = np.zeros(rank.shape, dtype=np.intp)
    high = np.full(rank.shape, len(counts), dtype=np.intp)
    column = np.arange(rank.size)
    while (open_still := low < high).any():
        middle = (low + high) // 2
        reaches = counts[np.minimum(middle, len(counts) - 1), column] >= rank
        high = np.where(open_still & reaches, middle, high)
        low = np.where(open_still & ~reaches, middle + 1, low)
    return low
