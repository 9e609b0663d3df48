"""What every store of metrics promises, asked of each of them."""

import struct
from contextlib import closing

import numpy as np
import pytest

from telemetry.linear_regex import InvalidPattern
from telemetry.store import sql_metrics
from telemetry.store.frames import Batch, Matcher
from telemetry.store.metrics import TooMuch
from telemetry.store.opening import open_metrics
from tests.telemetry.store.metric_samples import (
    ALWAYS,
    DAY_MS,
    HOUR_MS,
    NOON_MS,
    STALE,
    batch,
    held,
    key,
    settle,
    up,
)


@pytest.fixture
def store(records_url):
    with closing(open_metrics(records_url)) as store:
        yield store


def matchers(**labels: str) -> list[Matcher]:
    """name="=value", with the operator in front of the value; `name` is the metric's."""
    split = [(name, op, text[len(op) :]) for name, text in labels.items() for op in [_op(text)]]
    return [Matcher(name.replace("metric", "__name__"), op, value) for name, op, value in split]


def _op(text):
    return next(op for op in ("=~", "!~", "!=", "=") if text.startswith(op))


def test_what_was_appended_is_found_by_both_ends_of_its_time(store):
    store.append(batch(*((up(), NOON_MS + at, at / 10) for at in range(5))))

    found = held(store, start=NOON_MS + 1, end=NOON_MS + 3)

    assert found == {key(up()): {NOON_MS + at: at / 10 for at in (1, 2, 3)}}


def test_nothing_is_found_in_an_empty_store(store):
    assert store.select([], *ALWAYS) == store.series([], *ALWAYS) == []
    assert store.label_names([], *ALWAYS) == store.label_values("job", [], *ALWAYS) == []
    assert store.compact(NOON_MS).samples == store.forget(NOON_MS) == store.size().samples == 0
    assert store.append(batch()).kept == 0


def test_no_frame_comes_of_an_hour_in_which_the_series_has_samples_at_other_times(store):
    store.append(batch((up(), NOON_MS + 5, 1.0)))

    assert store.select([], NOON_MS, NOON_MS + 4) == []


def test_a_batch_of_which_nothing_can_be_kept_leaves_nothing_behind(store):
    store.append(batch((up(), NOON_MS, 1.0)))

    appended = store.append(batch((up(job="old"), NOON_MS - 2 * DAY_MS, 1.0)))

    assert (appended.kept, appended.refused) == (0, {"too old": 1})
    assert store.size().series == 1


def test_another_process_finds_it(store, records_url):
    store.append(batch((up(job="a"), NOON_MS, 1.0)))

    with closing(open_metrics(records_url)) as other:
        assert held(other) == {key(up(job="a")): {NOON_MS: 1.0}}


@pytest.mark.parametrize("compacts", [False, True])
def test_of_two_samples_of_one_time_the_first_stays(store, compacts):
    for value in (1.0, 2.0, 3.0):
        store.append(batch((up(), NOON_MS, value), (up(), NOON_MS, 9.0)))
        if compacts:
            settle(store, NOON_MS + 3 * HOUR_MS)

    assert held(store) == {key(up()): {NOON_MS: 1.0}}


def test_the_order_of_labels_and_empty_ones_make_no_new_series(store):
    store.append(batch(({"__name__": "up", "a": "1", "b": "2"}, NOON_MS, 1.0)))
    store.append(batch(({"b": "2", "c": "", "a": "1", "__name__": "up"}, NOON_MS + 1, 2.0)))

    assert held(store) == {key(up(a="1", b="2")): {NOON_MS: 1.0, NOON_MS + 1: 2.0}}


def test_a_batch_may_hold_many_samples_of_few_series(store):
    labels = [up(job="a"), up(job="b")]
    series = np.array([1, 0, 1, 1])
    at_ms = NOON_MS + np.array([3, 1, 2, 1])

    appended = store.append(Batch(labels, series, at_ms, np.array([4.0, 1.0, 3.0, 2.0])))

    assert appended.kept == 4
    assert held(store)[key(up(job="b"))] == {NOON_MS + n: float(n + 1) for n in (1, 2, 3)}


@pytest.mark.parametrize("compacts", [False, True])
def test_stale_markers_and_odd_numbers_come_back_bit_for_bit(store, compacts):
    odd = [STALE, np.nan, np.inf, -np.inf, -0.0, 0.1, 5e-324, 2.0**60]
    store.append(batch(*((up(), NOON_MS + n, value) for n, value in enumerate(odd))))

    if compacts:
        settle(store, NOON_MS + 3 * HOUR_MS)

    (frame,) = store.select([], *ALWAYS)
    assert frame.values.tobytes() == np.array(odd).tobytes()
    assert struct.pack("<d", STALE) == bytes.fromhex("020000000000f07f")


def test_series_of_the_same_times_come_in_one_frame(store):
    for at in range(3):
        together = [(up(job=job), NOON_MS + at, 1.0) for job in "abc"]
        store.append(batch(*together, (up(job="odd"), NOON_MS + at + 500, 1.0)))

    frames = store.select([], *ALWAYS)

    assert sorted(len(frame.labels) for frame in frames) == [1, 3]


MATCHED = [
    ({"metric": "=up"}, "abn"),
    ({"metric": "!=up"}, "d"),
    ({"metric": "=~u.|down"}, "abdn"),
    ({"metric": "=~u"}, ""),
    ({"metric": "!~up|down"}, ""),
    ({"metric": "=nothing"}, ""),
    ({"job": "=a"}, "a"),
    ({"job": "=nobody"}, ""),
    ({"job": "!=a"}, "bdn"),
    ({"job": "="}, "n"),
    ({"job": "!="}, "abd"),
    ({"job": "=~a|b"}, "ab"),
    ({"job": "=~"}, "n"),
    ({"job": "=~.*"}, "abdn"),
    ({"job": "=~.+"}, "abd"),
    ({"job": "=~a|"}, "an"),
    ({"job": "!~a|b"}, "dn"),
    ({"job": "!~a|"}, "bd"),
    ({"job": "!~.+"}, "n"),
    ({"absent": "="}, "abdn"),
    ({"absent": "!="}, ""),
    ({"absent": "=~.*"}, "abdn"),
    ({"absent": "!~.*"}, ""),
    ({"absent": "!~x"}, "abdn"),
    ({"metric": "=up", "job": "!=a", "code": "=~2.."}, "b"),
    ({"job": "!=a", "code": "="}, "n"),
    ({}, "abdn"),
]


@pytest.mark.parametrize(("labels", "expected"), MATCHED)
def test_matchers_mean_what_they_mean_in_prometheus(store, labels, expected):
    kept = {
        "a": up(job="a", code="200"),
        "b": up(job="b", code="204"),
        "d": {"__name__": "down", "job": "d", "code": "500"},
        "n": up(),
    }
    store.append(batch(*((labels, NOON_MS, 1.0) for labels in kept.values())))

    found = held(store, *matchers(**labels))

    assert found.keys() == {key(kept[name]) for name in expected}


def test_a_pattern_that_cannot_be_used_is_refused(store):
    store.append(batch((up(job="a"), NOON_MS, 1.0)))

    with pytest.raises(InvalidPattern):
        store.select([Matcher("job", "=~", "a(")], *ALWAYS)


def test_series_and_labels_are_listed(store):
    a, b = up(job="a", code="200"), {"__name__": "down", "job": "b"}
    store.append(batch((a, NOON_MS, 1.0), (b, NOON_MS, 1.0)))
    only_a, only_b = matchers(job="=a"), matchers(job="=b")

    assert store.series([only_a, only_b, only_a], *ALWAYS) == [a, b]
    assert store.label_names([], *ALWAYS) == ["__name__", "code", "job"]
    assert store.label_names([only_b], *ALWAYS) == ["__name__", "job"]
    assert store.label_values("job", [], *ALWAYS) == ["a", "b"]
    assert store.label_values("__name__", [], *ALWAYS) == ["down", "up"]
    assert store.label_values("job", [only_a], *ALWAYS) == ["a"]


def test_only_series_with_samples_of_that_time_are_listed(store):
    store.append(batch((up(job="old"), NOON_MS, 1.0)))
    store.append(batch((up(job="new"), NOON_MS + 5 * HOUR_MS, 1.0)))

    listed = store.series([], NOON_MS + 2 * HOUR_MS, NOON_MS + 9 * HOUR_MS)

    assert listed == [up(job="new")]


def test_samples_too_old_or_in_the_future_are_refused_and_the_rest_is_kept(store):
    soon_ms = sql_metrics.clock_ms() + 2 * sql_metrics.AHEAD_MS
    store.append(batch((up(), NOON_MS, 1.0)))

    appended = store.append(
        batch((up(), NOON_MS - 2 * DAY_MS, 1.0), (up(), NOON_MS + 1, 1.0), (up(), soon_ms, 1.0))
    )

    assert appended.kept == 1
    assert appended.refused == {"too old": 1, "in the future": 1}
    assert held(store) == {key(up()): {NOON_MS: 1.0, NOON_MS + 1: 1.0}}


@pytest.mark.parametrize(
    "labels",
    [
        {"job": "a"},
        up(job="x" * 2_001),
        up(**{"x" * 2_001: "a"}),
        up(job="a\0b"),
        up(job="\ud800"),
    ],
)
def test_labels_that_no_index_takes_are_refused_and_the_rest_is_kept(store, labels):
    appended = store.append(batch((labels, NOON_MS, 1.0), (up(), NOON_MS, 1.0)))

    assert appended.kept == 1
    assert list(appended.refused.values()) == [1]
    assert store.series([], *ALWAYS) == [up()]


def test_labels_in_any_script_and_with_any_sign_are_kept(store):
    labels = up(Größe="💾", sign="%s ? {} ' \" \\ \n", id="1; DROP TABLE series")

    store.append(batch((labels, NOON_MS, 1.0)))

    assert store.series([], *ALWAYS) == [labels]
    assert held(store, Matcher("sign", "=", labels["sign"])).keys() == {key(labels)}


def test_series_beyond_the_limit_are_refused_and_known_ones_go_on(store, monkeypatch):
    monkeypatch.setattr(store._known, "_max_series", 2)
    store.append(batch((up(job="a"), NOON_MS, 1.0)))

    for turn in range(1, 3):
        at_ms = NOON_MS + turn
        appended = store.append(batch(*((up(job=job), at_ms, 1.0) for job in "abcd")))

        assert (appended.kept, appended.refused) == (2, {"too many series": 2})

    assert store.size().series == 2


def test_a_question_for_too_much_is_refused_with_the_way_out(store, monkeypatch):
    monkeypatch.setattr(store, "_max_samples", 3)
    store.append(batch(*((up(), NOON_MS + n, 1.0) for n in range(4))))

    with pytest.raises(TooMuch, match=r"4 samples; 3 may be read .* shorter time"):
        store.select([], *ALWAYS)


def test_size_says_what_is_held(store):
    store.append(batch((up(job="a"), NOON_MS, 1.0), (up(job="b"), NOON_MS + HOUR_MS, 1.0)))
    store.compact(NOON_MS)
    store.append(batch((up(job="a"), NOON_MS + 5, 1.0)))

    size = store.size()

    assert (size.series, size.samples) == (2, 3)
    assert (size.oldest_ms, size.newest_ms) == (NOON_MS, NOON_MS + HOUR_MS)
    assert 10_000 < size.disk_bytes < 10_000_000
