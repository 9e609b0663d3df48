"""Cumulative points become what happened since the point before: rates, quantiles, means."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate

from telemetry.samples import Buckets, Sample

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

SeriesKey = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class RateState:
    """The newest cumulative point of each series; the ones unseen longest are forgotten first."""

    max_series: int = 50_000
    _newest: OrderedDict[SeriesKey, Sample] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._newest)

    def exchange(self, sample: Sample) -> Sample | None:
        """Remember this point and give the one before. A point that is not newer than the one
        remembered is given back itself, and not remembered."""
        key = (sample.service, sample.instance, sample.name, tuple(sorted(sample.labels.items())))
        before = self._newest.get(key)
        if before is not None and sample.at_ms <= before.at_ms:
            return sample
        self._newest[key] = sample
        self._newest.move_to_end(key)
        if len(self._newest) > self.max_series:
            self._newest.popitem(last=False)
        return before


def derive(samples: Iterable[Sample], state: RateState) -> list[Sample]:
    """Gauges pass as they are. A counter `x` gives `x.rate`; a histogram `x` gives `x.rate`
    (observations a second), `x.mean`, `x.p50`, `x.p95` and `x.p99` of its interval, the last four
    only when something was observed. A series' first point gives nothing, and so does one after a
    reset whose start is unknown.
    """
    return [derived for sample in samples for derived in _derive_one(sample, state)]


def quantile(buckets: Buckets, share: float) -> float | None:
    """Linear within the bucket; None when empty.

    As Prometheus' histogram_quantile does, the first bucket starts at 0 when its bound is
    positive, and the open last one gives its lower bound.
    """
    running = list(accumulate(buckets.counts))
    if not running or not running[-1] or not buckets.bounds:
        return None
    rank = share * running[-1]
    index = bisect_left(running, max(rank, 0.5))  # the least value is in the first filled bucket
    if index >= len(buckets.bounds):
        return buckets.bounds[-1]
    upper = buckets.bounds[index]
    lower = buckets.bounds[index - 1] if index else min(0.0, upper)
    below = running[index] - buckets.counts[index]
    return lower + (upper - lower) * (rank - below) / buckets.counts[index]


def _derive_one(sample: Sample, state: RateState) -> Iterator[Sample]:
    if sample.kind == "gauge":
        yield sample
        return
    since = sample if sample.kind == "delta_histogram" else _since_the_last(sample, state)
    if since is None:
        return
    if 0 < since.start_ms < since.at_ms:
        yield _rate(since)
    if since.buckets and since.value > 0:
        yield from _shape(since, since.buckets)


def _rate(since: Sample) -> Sample:
    unit = "" if since.buckets else since.unit
    value = since.value / ((since.at_ms - since.start_ms) / 1000)
    return _gauge(since, "rate", value, f"{unit}/s")


def _shape(sample: Sample, buckets: Buckets) -> Iterator[Sample]:
    yield _gauge(sample, "mean", buckets.total / sample.value, sample.unit)
    for suffix, share in QUANTILES.items():
        value = quantile(buckets, share)
        if value is not None:
            yield _gauge(sample, suffix, value, sample.unit)


def _gauge(sample: Sample, suffix: str, value: float, unit: str) -> Sample:
    return replace(
        sample,
        name=f"{sample.name}.{suffix}",
        value=value,
        unit=unit,
        kind="gauge",
        start_ms=0,
        buckets=None,
    )


def _since_the_last(sample: Sample, state: RateState) -> Sample | None:
    """The difference to the point before; a restarted series counts from its own start."""
    before = state.exchange(sample)
    if before is None or before is sample:
        return None
    if sample.start_ms != before.start_ms:
        return sample if sample.start_ms >= before.at_ms else None
    value = sample.value - before.value
    if value < 0:
        return None
    if sample.buckets is None or before.buckets is None:
        return replace(sample, value=value, start_ms=before.at_ms)
    buckets = _subtract(sample.buckets, before.buckets)
    if buckets is None:
        return None
    return replace(sample, value=value, start_ms=before.at_ms, buckets=buckets)


def _subtract(new: Buckets, old: Buckets) -> Buckets | None:
    if new.bounds != old.bounds or len(new.counts) != len(old.counts):
        return None
    counts = tuple(a - b for a, b in zip(new.counts, old.counts, strict=True))
    return (
        None if min(counts, default=0) < 0 else Buckets(new.bounds, counts, new.total - old.total)
    )
