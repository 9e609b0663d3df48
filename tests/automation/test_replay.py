from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.limits import Limits, Window
from automation.replay import Chance, replay

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday
ALWAYS = Limits(max_per_hour=100, cooldown_seconds=0, max_targets=5)


def minutes(count):
    return timedelta(minutes=count)


def chance(number, *, after=0, lasts=60, targets=("checkout",)):
    at = NOON + minutes(after)
    return Chance(number, at, at + minutes(lasts), tuple(targets))


def run_after(outcomes):
    """Minutes after noon by incident; None for what never ran."""
    return {
        outcome.chance.number: (outcome.run_at - NOON) / minutes(1) if outcome.run_at else None
        for outcome in outcomes
    }


def test_without_anything_in_the_way_everything_runs_at_once():
    outcomes = replay(ALWAYS, "medium", [chance(2, after=3), chance(1)])

    assert run_after(outcomes) == {1: 0, 2: 3}
    assert not any(outcome.against for outcome in outcomes)


def test_what_cools_down_runs_later_if_its_incident_lasts():
    limits = Limits(max_per_hour=100, cooldown_seconds=600)
    brief = chance(2, after=2, lasts=5)

    outcomes = replay(limits, "low", [chance(1), brief, chance(3, after=4)])

    assert run_after(outcomes) == {1: 0, 2: None, 3: 10}
    assert outcomes[1].against[0].reason == "checkout cools down for 480 more seconds."


def test_cool_downs_are_of_a_target():
    limits = Limits(max_per_hour=100, cooldown_seconds=600)

    outcomes = replay(limits, "low", [chance(1), chance(2, after=1, targets=["store"])])

    assert run_after(outcomes) == {1: 0, 2: 1}


def test_those_that_wait_for_one_target_are_served_in_order():
    limits = Limits(max_per_hour=100, cooldown_seconds=600)

    outcomes = replay(limits, "low", [chance(n, after=n) for n in range(4)])

    assert run_after(outcomes) == {0: 0, 1: 10, 2: 20, 3: 30}


def test_no_more_run_in_an_hour_than_are_allowed():
    limits = Limits(max_per_hour=2, cooldown_seconds=0)

    outcomes = replay(limits, "low", [chance(n, after=n, lasts=90) for n in range(5)])

    assert run_after(outcomes) == {0: 0, 1: 1, 2: 60, 3: 61, 4: None}


def test_outside_the_window_it_waits_for_the_opening():
    limits = Limits(max_per_hour=9, cooldown_seconds=0, window=Window.parse("daily 13:00-14:00"))

    outcomes = replay(limits, "low", [chance(1, lasts=61), chance(2, after=1, lasts=30)])

    assert run_after(outcomes) == {1: 60, 2: None}
    assert outcomes[1].against[0].name == "window"


def test_a_cool_down_that_ends_outside_the_window_waits_for_the_next_day():
    window = Window.parse("daily 12:00-12:05")
    limits = Limits(max_per_hour=9, cooldown_seconds=600, window=window)

    outcomes = replay(limits, "low", [chance(1), chance(2, after=1, lasts=2 * 24 * 60)])

    assert run_after(outcomes) == {1: 0, 2: 24 * 60}


@pytest.mark.parametrize(
    ("risk", "targets", "name"), [("high", 1, "risk"), ("low", 6, "max_targets")]
)
def test_what_no_time_would_mend_never_runs(risk, targets, name):
    wide = chance(1, lasts=10**6, targets=[f"service{n}" for n in range(targets)])

    [outcome] = replay(ALWAYS, risk, [wide])

    assert outcome.run_at is None
    assert [check.name for check in outcome.against] == [name]


def test_runs_there_really_were_count_from_when_they_were():
    limits = Limits(max_per_hour=100, cooldown_seconds=600)
    others = [("checkout", NOON - minutes(4)), ("checkout", NOON + minutes(30))]

    outcomes = replay(limits, "low", [chance(1), chance(2, after=31)], others)

    assert run_after(outcomes) == {1: 6, 2: 40}


@given(
    starts=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), max_size=25),
    cap=st.integers(1, 4),
    cooldown=st.integers(0, 1800),
    window=st.sampled_from(["always", "daily 12:30-13:30", "daily 14:00-12:10"]),
)
def test_no_replay_breaks_its_own_guardrails(starts, cap, cooldown, window):
    limits = Limits(max_per_hour=cap, cooldown_seconds=cooldown, window=Window.parse(window))
    chances = [chance(n, after=at, lasts=lasts) for n, (at, lasts) in enumerate(starts)]

    outcomes = replay(limits, "low", chances)

    runs = sorted(outcome.run_at for outcome in outcomes if outcome.run_at)
    assert len(outcomes) == len(chances)
    assert all(limits.window.contains(at) for at in runs)
    assert all(b - a >= timedelta(seconds=cooldown) for a, b in pairwise(runs))
    assert all(b - a >= timedelta(hours=1) for a, b in zip(runs, runs[cap:], strict=False))
    for outcome in outcomes:
        if outcome.run_at:
            assert outcome.chance.at <= outcome.run_at
            assert outcome.run_at == outcome.chance.at or outcome.run_at < outcome.chance.until
