"""An exponential histogram becomes one with bounds that never change.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram . A sender changes
its scale as it likes, and series by bound would come and go; these are every half power of two.
"""

from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from telemetry.samples import Buckets

SCALE = 1
LOWEST, HIGHEST = -40, 80
BOUNDS = tuple(2.0 ** (exponent / 2**SCALE) for exponent in range(LOWEST, HIGHEST + 1))
MOST_BUCKETS = 1_000
SCALES = range(-10, 21)


class OddHistogram(ValueError):
    """Its scale or the number of its buckets is out of all bounds."""


def classic(point: ExponentialHistogramDataPoint) -> Buckets:
    """What is zero or below is in the first bucket. Raises OddHistogram."""
    most = max(len(side.bucket_counts) for side in (point.positive, point.negative))
    if point.scale not in SCALES or most > MOST_BUCKETS:
        raise OddHistogram("the scale or the number of buckets is out of bounds")
    counts = [0] * (len(BOUNDS) + 1)
    counts[0] = point.zero_count + sum(point.negative.bucket_counts)
    for place, count in enumerate(point.positive.bucket_counts):
        counts[_bucket(point.positive.offset + place, point.scale)] += count
    return Buckets(BOUNDS, tuple(counts), point.sum)


def _bucket(index: int, scale: int) -> int:
    """The one with the upper end of bucket `index`, whose lower end lies in it too or below it."""
    finer = scale - SCALE
    upper = (index >> finer) + 1 if finer >= 0 else (index + 1) << -finer
    return min(max(upper - LOWEST, 0), len(BOUNDS))
