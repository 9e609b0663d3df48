"""Whatever is asked of the subset, a real Prometheus gives the same answer.

`AIOPS_PROMQL_EXAMPLES=3000` asks more than the usual number of questions.
"""

import itertools
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.telemetry.promql import answers
from tests.telemetry.promql.memory_store import MemoryStore
from tests.telemetry.promql.questions import questions, some_series
from tests.telemetry.promql.real_prometheus import RealPrometheus

EXAMPLES = int(os.environ.get("AIOPS_PROMQL_EXAMPLES", "200"))
WORLDS = max(8, EXAMPLES // 50)
MINUTE_MS = 60_000
START_MS = int(time.time() // 60 - 50) * MINUTE_MS
worlds = st.shared(st.integers(0, WORLDS - 1), key="world")
asked = worlds.flatmap(lambda number: questions(prefix(number), START_MS + 20 * MINUTE_MS))
minutes = st.integers(1, 42)
steady = settings(
    max_examples=EXAMPLES // 2,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def prefix(number: int) -> str:
    return f"w{number}"


@pytest.fixture(scope="module")
def stores(prometheus: RealPrometheus) -> list[MemoryStore]:
    """Each world has its own names, in one store of ours and all together in Prometheus."""
    found = [MemoryStore(some_series(n, prefix(n), START_MS)) for n in range(WORLDS)]
    prometheus.write([*itertools.chain.from_iterable(store.measured for store in found)])
    return found


@steady
@given(number=worlds, query=asked, minute=minutes)
def test_at_a_moment_prometheus_says_the_same(
    prometheus: RealPrometheus, stores: list[MemoryStore], number: int, query: str, minute: int
):
    at_ms = START_MS + minute * MINUTE_MS

    ours = answers.of_moment(stores[number], query, at_ms)

    assert answers.difference(ours, prometheus.ask(query, at_ms)) == ""


@steady
@given(
    number=worlds,
    query=asked,
    minute=minutes,
    step_ms=st.sampled_from([15_000, 60_000, 61_000, 200_000]),
    steps=st.integers(0, 12),
)
def test_over_a_range_prometheus_says_the_same(
    prometheus: RealPrometheus,
    stores: list[MemoryStore],
    number: int,
    query: str,
    minute: int,
    step_ms: int,
    steps: int,
):
    start_ms = START_MS + minute * MINUTE_MS
    period = start_ms, start_ms + steps * step_ms + step_ms // 3, step_ms

    ours = answers.of_range(stores[number], query, *period)

    assert answers.difference(ours, prometheus.ask_range(query, *period)) == ""


ODD_HISTOGRAMS = {
    "twice": {"1": 3.0, "1.0": 1.0, "2": 5.0, "+Inf": 9.0, "x": 3.0},
    "below": {"-1": 3.0, "0": 4.0, "+Inf": 9.0},
    "alone": {"+Inf": 3.0},
    "open": {"1": 3.0, "2": 4.0},
    "holed": {"1": float("nan"), "2": 5.0, "+Inf": 9.0},
    "falling": {"1": 7.0, "2": 5.0, "+Inf": 6.0},
    "empty": {"1": 0.0, "+Inf": 0.0},
}


@pytest.fixture(scope="module")
def odd_histograms(prometheus: RealPrometheus) -> MemoryStore:
    store = MemoryStore()
    for name, buckets in ODD_HISTOGRAMS.items():
        for bound, count in buckets.items():
            store.add({"__name__": f"odd_{name}", "le": bound}, [START_MS], [count])
    prometheus.write(store.measured)
    return store


@pytest.mark.parametrize("name", [*ODD_HISTOGRAMS, "below and falling"])
@pytest.mark.parametrize("wanted", ["-1", "0", "0.1", "0.5", "0.99", "1", "2", "NaN"])
def test_of_an_odd_histogram_prometheus_says_the_same(
    prometheus: RealPrometheus, odd_histograms: MemoryStore, name: str, wanted: str
):
    both = '{__name__=~"odd_(below|falling)"}'
    query = f"histogram_quantile({wanted}, {both if ' ' in name else f'odd_{name}'})"

    ours = answers.of_moment(odd_histograms, query, START_MS)

    assert answers.difference(ours, prometheus.ask(query, START_MS)) == ""
