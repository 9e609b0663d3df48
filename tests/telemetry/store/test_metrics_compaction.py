"""Whatever is compacted, rolled up and forgotten, and when, the rest stays as it was."""

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.store import compaction
from telemetry.store.opening import open_metrics
from tests.telemetry.store.metric_samples import (
    ALWAYS,
    DAY_MS,
    HOUR_MS,
    NOON_MS,
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


def test_samples_that_come_late_stand_in_their_place(store):
    store.append(batch((up(), NOON_MS, 0.0), (up(), NOON_MS + 2, 2.0)))
    settle(store, NOON_MS + 3 * HOUR_MS)
    store.append(batch((up(), NOON_MS + 1, 1.0), (up(), NOON_MS + 3, 3.0)))

    expected = {key(up()): {NOON_MS + n: float(n) for n in range(4)}}
    assert held(store) == expected
    settle(store, NOON_MS + 6 * HOUR_MS)
    assert held(store) == expected


def test_rolled_up_days_keep_the_last_sample_of_every_five_minutes(store):
    day_ms = NOON_MS // DAY_MS * DAY_MS
    first_ms = day_ms + 23 * HOUR_MS
    times = [first_ms + n * 60_000 for n in range(120)]
    store.append(batch(*((up(), at_ms, float(n)) for n, at_ms in enumerate(times))))
    settle(store, day_ms + 2 * DAY_MS)

    rolled = store.roll_up(day_ms + DAY_MS + 5 * HOUR_MS)

    kept = [0, *range(5, 60, 5), 59, *range(60, 120)]
    assert rolled.is_done
    assert held(store) == {key(up()): {times[n]: float(n) for n in kept}}
    assert store.roll_up(day_ms + DAY_MS).samples == 0


def test_what_comes_late_for_a_rolled_up_day_is_rolled_up_too(store):
    day_ms = NOON_MS // DAY_MS * DAY_MS
    store.append(batch(*((up(), day_ms + n * 60_000, float(n)) for n in (1, 2, 1_000))))
    settle(store, day_ms + 2 * DAY_MS)
    store.roll_up(day_ms + DAY_MS)
    store.append(batch((up(), day_ms + 3 * 60_000, 3.0), (up(job="late"), day_ms + 1, 1.0)))
    settle(store, day_ms + 3 * DAY_MS)

    store.roll_up(day_ms + DAY_MS)

    minutes = {day_ms + n * 60_000: float(n) for n in (3, 1_000)}
    assert held(store) == {key(up()): minutes, key(up(job="late")): {day_ms + 1: 1.0}}


def test_what_is_too_old_is_forgotten_with_its_series_and_labels(store):
    store.append(batch((up(job="old", zone="x"), NOON_MS, 1.0)))
    store.append(batch((up(job="new", zone="x"), NOON_MS + DAY_MS, 1.0)))
    store.append(batch(({"__name__": "gone", "only": "here"}, NOON_MS + 1, 1.0)))
    settle(store, NOON_MS + 2 * DAY_MS)

    assert store.forget(NOON_MS + 2 * HOUR_MS) == 1

    assert store.series([], *ALWAYS) == [up(job="new", zone="x")]
    assert store.label_values("job", [], *ALWAYS) == ["new"]
    assert store.label_names([], *ALWAYS) == ["__name__", "job", "zone"]
    assert store.label_values("__name__", [], *ALWAYS) == ["up"]


def test_a_series_that_another_process_forgot_comes_back_with_its_next_sample(store, records_url):
    store.append(batch((up(job="a"), NOON_MS, 1.0), (up(job="b"), NOON_MS, 1.0)))
    store.compact(NOON_MS)
    with closing(open_metrics(records_url)) as other:
        other.forget(NOON_MS + DAY_MS)
        other.append(batch((up(job="b"), NOON_MS + DAY_MS, 2.0)))

    store.append(batch((up(job="a"), NOON_MS + DAY_MS, 3.0)))

    assert held(store) == {
        key(up(job="a")): {NOON_MS + DAY_MS: 3.0},
        key(up(job="b")): {NOON_MS + DAY_MS: 2.0},
    }


def test_a_compaction_that_another_one_overtook_changes_nothing(store, records_url, monkeypatch):
    replace = compaction._replace

    def overtaken(*change):
        monkeypatch.undo()
        with closing(open_metrics(records_url)) as other:
            other.compact(NOON_MS)
        replace(*change)

    store.append(batch((up(), NOON_MS, 1.0)))
    monkeypatch.setattr(compaction, "_replace", overtaken)

    store.compact(NOON_MS)

    assert store.size().samples == 1


def test_small_blocks_are_gathered_while_the_hour_goes_on(store):
    for minute in range(60):
        at_ms = NOON_MS + minute * 60_000
        store.append(batch((up(job="a"), at_ms, 1.0), (up(job="b"), at_ms, 2.0)))
        store.compact(at_ms)

    with store._database.reading() as session:
        ((blocks,),) = session.rows("SELECT count(*) FROM block")
    assert blocks <= 14
    assert len(held(store)[key(up(job="b"))]) == 60


appends = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 8), st.sampled_from([1.0, 2.5, -0.125, 1e300])),
    min_size=1,
    max_size=12,
)
deeds = st.lists(appends | st.integers(0, 8).map(lambda hour: hour * HOUR_MS), max_size=12)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds, st.integers(0, 8), st.integers(0, 8))
def test_whatever_comes_when_and_is_compacted_when_nothing_is_lost(
    monkeypatch, tmp_path_factory, deeds, first, last
):
    monkeypatch.setattr(compaction, "SAMPLES_A_STEP", 5)
    monkeypatch.setattr("telemetry.store.blocks.SAMPLES_A_BLOCK", 3)
    store = open_metrics(f"sqlite:///{tmp_path_factory.mktemp('any')}/metrics.sqlite3")
    model: dict = {}

    for deed in deeds:
        if isinstance(deed, int):
            store.compact(NOON_MS + deed)
        else:
            some = [(up(n=str(n)), NOON_MS + at * HOUR_MS // 4, value) for n, at, value in deed]
            store.append(batch(*some))
            for labels, at_ms, value in some:
                model.setdefault(key(labels), {}).setdefault(at_ms, value)

    start, end = (NOON_MS + at * HOUR_MS // 4 for at in (first, last))
    asked = {
        labels: {at: value for at, value in samples.items() if start <= at <= end}
        for labels, samples in model.items()
    }
    assert held(store) == model
    assert held(store, start=start, end=end) == {k: found for k, found in asked.items() if found}
    store.close()
