import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store.rows import EMPTY, Rows, gathered, joined

piece = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 12), st.integers(0, 99).map(float)), max_size=25
)
Held = dict[tuple[int, int], float]


def rows_of(samples) -> Rows:
    series, at_ms, values = zip(*samples, strict=True) if samples else ((), (), ())
    return gathered(np.array(series, np.int64), np.array(at_ms, np.int64), np.array(values, float))


def held_by(rows: Rows) -> Held:
    """In the order of the rows, which has to be that of series and time."""
    series = np.repeat(rows.series, rows.counts)
    keys = list(zip(series.tolist(), rows.at_ms().tolist(), strict=True))
    assert keys == sorted(set(keys))
    return dict(zip(keys, rows.values.tolist(), strict=True))


def held_first(*pieces) -> Held:
    return {(s, at): value for some in reversed(pieces) for s, at, value in reversed(some)}


@given(piece)
def test_samples_in_any_order_become_rows_and_the_first_stays(samples):
    assert held_by(rows_of(samples)) == held_first(samples)


@given(st.lists(piece, max_size=4))
def test_pieces_are_joined_and_the_earlier_one_stays(pieces):
    assert held_by(joined([rows_of(some) for some in pieces])) == held_first(*pieces)


@given(st.lists(piece, max_size=3))
def test_series_with_equal_times_share_a_clock(pieces):
    rows = joined([rows_of(some) for some in pieces])

    clocks = [times.tobytes() for times in rows.clocks] if len(rows.times) else []
    assert len(clocks) == len(set(clocks)) == len(np.unique(rows.clock))


@given(piece, st.integers(0, 12), st.integers(0, 12))
def test_a_cut_in_time_keeps_both_ends(samples, start, end):
    cut = rows_of(samples).between(start, end)

    assert held_by(cut) == {
        (s, at): value for (s, at), value in held_first(samples).items() if start <= at <= end
    }


@given(piece, st.sets(st.integers(0, 6), min_size=1))
def test_only_the_wanted_series_are_taken(samples, wanted):
    chosen = rows_of(samples).of(np.array(sorted(wanted)))

    assert held_by(chosen) == {
        (s, at): value for (s, at), value in held_first(samples).items() if s in wanted
    }


@given(piece, st.integers(0, 6), st.integers(0, 6))
def test_a_range_of_series_keeps_both_ends(samples, first, last):
    chosen = rows_of(samples).of_range(first, last)

    assert held_by(chosen) == {
        (s, at): value for (s, at), value in held_first(samples).items() if first <= s <= last
    }


def test_no_samples_are_no_rows():
    assert held_by(EMPTY) == held_by(joined([])) == held_by(rows_of([])) == {}
