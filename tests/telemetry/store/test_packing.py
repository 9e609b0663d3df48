import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store.packing import pack, unpack
from telemetry.store.rows import EMPTY, Rows, gathered

NOW_MS = 1_790_000_000_000
STALE = np.array([0x7FF0000000000002], np.uint64).view(np.float64)[0]

times = st.integers(-(2**62), 2**62)
bits = st.integers(0, 2**64 - 1).map(lambda n: np.array([n], np.uint64).view(np.float64)[0])
odd = st.sampled_from([STALE, np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1.7e308, 2.0**53, -1e15])
short = st.integers(-(10**9), 10**9).map(lambda n: n / 1000)
whole = st.integers(-(2**60), 2**60).map(float)
samples = st.lists(
    st.tuples(st.integers(0, 2**62), times, bits | odd | short | whole), min_size=1, max_size=60
)


def rows_of(given_samples) -> Rows:
    series, at_ms, values = zip(*given_samples, strict=True)
    return gathered(np.array(series), np.array(at_ms), np.array(values))


def is_same(one: Rows, other: Rows) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in Rows.__dataclass_fields__]
    return all(a.tobytes() == b.tobytes() and a.dtype == b.dtype for a, b in pairs)


def regular(values: np.ndarray) -> Rows:
    series, length = values.shape
    return Rows(
        np.arange(series) + (7 << 32),
        np.zeros(series, np.int64),
        np.array([length]),
        NOW_MS + np.arange(length) * 15_000,
        values.reshape(-1),
    )


def bytes_a_sample(values: np.ndarray) -> float:
    return len(pack(regular(values))) / values.size


@given(samples)
def test_everything_comes_back_bit_for_bit(some):
    rows = rows_of(some)

    assert is_same(unpack(pack(rows)), rows)


@given(st.lists(short, min_size=2, max_size=50), odd)
def test_an_odd_value_among_decimals_survives(values, other):
    rows = regular(np.array([values, [other, *values[1:]]]))

    assert is_same(unpack(pack(rows)), rows)


def test_nothing_is_packed_too():
    assert is_same(unpack(pack(EMPTY)), EMPTY)


def test_a_block_of_a_later_release_is_refused_by_its_version():
    with pytest.raises(ValueError, match="cannot be read by this release"):
        unpack(b"\x02" + pack(EMPTY)[1:])


@pytest.mark.parametrize(
    ("kind", "at_most"),
    [("idle", 0.05), ("counter", 1.0), ("gauge", 1.5), ("memory", 2.0), ("buckets", 1.2)],
)
def test_an_hour_of_usual_series_takes_few_bytes(kind, at_most):
    random = np.random.default_rng(1)
    steps = random.normal(0, 0.5, (68, 240))
    kinds = {
        "idle": np.full((68, 240), 3.0),
        "counter": np.cumsum(random.poisson(30, (68, 240)), axis=1).astype(float),
        "gauge": np.round(50 + np.cumsum(steps, axis=1), 2),
        "memory": 4096 * np.round(1e5 + 100 * np.cumsum(steps, axis=1)),
        "buckets": np.cumsum(np.cumsum(random.poisson(2, (68, 240)), axis=1), axis=0) * 1.0,
    }

    assert bytes_a_sample(kinds[kind]) <= at_most
