from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.rates import RateState, derive, quantile
from telemetry.samples import Buckets, Sample

BOUNDS = (10.0, 20.0, 50.0)


def counter(at_ms, value, *, start_ms=1, instance="a", **labels):
    return Sample(
        "checkout", "orders", labels, at_ms, value, "{order}", "counter", start_ms, instance
    )


def histogram(at_ms, counts, total, *, start_ms=1, bounds=BOUNDS):
    return Sample(
        service="checkout",
        name="latency",
        labels={},
        at_ms=at_ms,
        value=float(sum(counts)),
        unit="ms",
        kind="histogram",
        start_ms=start_ms,
        buckets=Buckets(bounds, tuple(counts), total),
    )


def values(samples):
    return {sample.name: sample.value for sample in samples}


def test_a_gauge_passes_as_it_is():
    gauge = replace(counter(1000, 3), kind="gauge")

    assert derive([gauge], RateState()) == [gauge]


def test_a_counter_gives_its_rate_since_the_last_point():
    derived = derive([counter(1000, 10), counter(3000, 16)], RateState())

    assert [(s.name, s.value, s.unit, s.kind, s.at_ms) for s in derived] == [
        ("orders.rate", 3.0, "{order}/s", "gauge", 3000)
    ]


def test_series_with_other_labels_or_of_another_process_are_kept_apart():
    points = [
        counter(1000, 10),
        counter(1000, 500, instance="b"),
        counter(1000, 900, region="eu"),
        counter(2000, 11),
        counter(2000, 502, instance="b"),
        counter(2000, 903, region="eu"),
    ]

    assert [sample.value for sample in derive(points, RateState())] == [1, 2, 3]


def test_a_restarted_process_counts_from_its_own_start():
    points = [counter(1000, 100), counter(3000, 6, start_ms=1500)]

    assert values(derive(points, RateState())) == {"orders.rate": 4.0}


def test_a_fall_without_a_new_start_gives_nothing_and_then_goes_on():
    points = [counter(1000, 100), counter(2000, 5), counter(3000, 8)]

    assert [(s.at_ms, s.value) for s in derive(points, RateState())] == [(3000, 3.0)]


def test_a_point_that_is_late_or_doubled_gives_nothing_and_spoils_nothing():
    points = [counter(1000, 10), counter(2000, 20), counter(2000, 20), counter(1500, 15)]

    assert len(derive([*points, counter(3000, 30)], RateState())) == 2


def test_an_older_start_is_another_process_and_gives_nothing():
    points = [counter(1000, 10, start_ms=500), counter(2000, 20, start_ms=100)]

    assert derive(points, RateState()) == []


def test_a_histogram_gives_rate_mean_and_quantiles_of_the_interval():
    points = [histogram(1000, [100, 0, 0, 0], 500.0), histogram(3000, [100, 8, 2, 0], 700.0)]

    derived = derive(points, RateState())

    assert values(derived) == {
        "latency.rate": 5.0,
        "latency.mean": 20.0,
        "latency.p50": pytest.approx(16.25),
        "latency.p95": pytest.approx(42.5),
        "latency.p99": pytest.approx(48.5),
    }
    assert {sample.name: sample.unit for sample in derived}["latency.rate"] == "/s"
    assert {sample.name: sample.unit for sample in derived}["latency.p95"] == "ms"


def test_an_interval_without_observations_has_a_rate_of_zero_and_no_latency():
    points = [histogram(1000, [1, 1, 1, 1], 100.0), histogram(2000, [1, 1, 1, 1], 100.0)]

    assert values(derive(points, RateState())) == {"latency.rate": 0.0}


def test_a_delta_histogram_needs_no_point_before_it():
    delta = replace(histogram(2000, [4, 0, 0, 0], 20.0, start_ms=1000), kind="delta_histogram")

    assert values(derive([delta], RateState()))["latency.rate"] == 4.0


def test_changed_bounds_start_anew():
    other = (1.0, 2.0, 3.0)
    points = [histogram(1000, [1, 1, 1, 1], 9.0), histogram(2000, [2, 2, 2, 2], 18.0, bounds=other)]

    assert derive(points, RateState()) == []


def test_a_histogram_without_buckets_still_has_rate_and_mean():
    points = [histogram(1000, [], 0.0, bounds=()), histogram(2000, [], 30.0, bounds=())]
    points = [replace(p, value=v) for p, v in zip(points, (0.0, 3.0), strict=True)]

    assert values(derive(points, RateState())) == {"latency.rate": 3.0, "latency.mean": 10.0}


def test_the_series_unseen_longest_is_forgotten_first():
    state = RateState(max_series=2)
    derive([counter(1000, 1, s="a"), counter(1000, 1, s="b"), counter(2000, 2, s="a")], state)

    derive([counter(2000, 1, s="c")], state)

    assert len(state) == 2
    assert derive([counter(3000, 3, s="b")], state) == []


def test_the_open_bucket_gives_its_lower_bound():
    assert quantile(Buckets(BOUNDS, (0, 0, 0, 5), 500.0), 0.5) == 50.0


def test_an_empty_histogram_has_no_quantile():
    assert quantile(Buckets(BOUNDS, (0, 0, 0, 0), 0.0), 0.5) is None


@given(
    st.lists(st.floats(0.1, 100), min_size=1, max_size=200),
    st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_quantile_is_off_by_no_more_than_its_bucket(observed, share):
    bounds = tuple(float(bound) for bound in range(5, 105, 5))
    counts = [
        int(n) for n in np.histogram(np.ceil(np.array(observed) / 5) * 5 - 2, (0, *bounds))[0]
    ]

    estimated = quantile(Buckets(bounds, (*counts, 0), sum(observed)), share)

    exact = np.quantile(observed, share, method="inverted_cdf")
    assert abs(estimated - exact) <= 5 + 1e-9
