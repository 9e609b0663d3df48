from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.episodes import AlertState, Change, apply
from incidents.event import SEVERITIES, AlertEvent, Severity

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GO_ZERO = datetime(1, 1, 1, tzinfo=UTC)
Delivery = tuple[AlertEvent, datetime]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def fire(starts: float | datetime | None, received: float, severity: Severity = "high") -> Delivery:
    event = AlertEvent(name="Down", status="firing", severity=severity, starts_at=moment(starts))
    return event, NOON + minutes(received)


def resolve(
    starts: float | datetime | None, ends: float | datetime | None, received: float
) -> Delivery:
    event = AlertEvent(
        name="Down", status="resolved", starts_at=moment(starts), ends_at=moment(ends)
    )
    return event, NOON + minutes(received)


def moment(at: float | datetime | None) -> datetime | None:
    return NOON + minutes(at) if isinstance(at, int | float) else at


def fold(*deliveries: Delivery) -> tuple[AlertState, list[Change]]:
    state, changes = None, []
    for event, received_at in deliveries:
        state, change = apply(state, event, received_at)
        changes.append(change)
    assert state is not None
    return state, changes


def test_a_first_firing_opens():
    state, changes = fold(fire(0, 1, severity="critical"))

    assert changes == ["opened"]
    assert (state.status, state.severity, state.starts_at) == ("firing", "critical", NOON)
    assert (state.event_count, state.episode_count, state.ends_at) == (1, 1, None)


def test_a_repeat_counts_and_opens_nothing():
    state, changes = fold(fire(0, 1), fire(0, 2), fire(0, 3))

    assert changes == ["opened", "repeated", "repeated"]
    assert (state.event_count, state.episode_count) == (3, 1)
    assert state.last_received_at == NOON + minutes(3)


def test_a_resolve_ends_the_episode():
    state, changes = fold(fire(0, 1), resolve(0, 5, 6))

    assert changes == ["opened", "resolved"]
    assert (state.status, state.ends_at) == ("resolved", NOON + minutes(5))


def test_a_resolve_before_its_fire_yields_resolved():
    state, changes = fold(resolve(0, 5, 6), fire(0, 7))

    assert changes == ["resolved", "late"]
    assert (state.status, state.starts_at, state.episode_count) == ("resolved", NOON, 1)


def test_a_late_firing_of_a_resolved_episode_does_not_reopen_it():
    state, changes = fold(fire(0, 1), resolve(0, 5, 6), fire(0, 7), fire(2, 8))

    assert changes[2:] == ["late", "late"]
    assert state.status == "resolved"


def test_a_newer_start_fires_again():
    state, changes = fold(fire(0, 1), resolve(0, 5, 6), fire(5, 7))

    assert changes[-1] == "refired"
    assert (state.status, state.episode_count, state.ends_at) == ("firing", 2, None)
    assert state.starts_at == NOON + minutes(5)


def test_a_late_resolve_of_an_older_episode_does_not_end_the_new_one():
    state, changes = fold(fire(0, 1), fire(10, 11), resolve(0, 5, 12))

    assert changes == ["opened", "repeated", "late"]
    assert (state.status, state.starts_at) == ("firing", NOON + minutes(10))


def test_without_times_the_order_of_receipt_counts():
    state, changes = fold(fire(None, 1), resolve(None, None, 2), fire(None, 3))

    assert changes == ["opened", "resolved", "refired"]
    assert state.starts_at == NOON + minutes(3)


def test_a_bare_resolve_ends_a_firing_whose_clock_runs_ahead():
    state, _ = fold(fire(120, 1), resolve(None, None, 2))

    assert state.status == "resolved"
    assert state.ends_at is not None
    assert state.ends_at >= state.starts_at


def test_a_bare_resolve_covers_a_firing_that_was_held_up_on_its_way():
    state, changes = fold(resolve(None, None, 5), fire(2, 6))

    assert changes == ["resolved", "late"]
    assert state.status == "resolved"


def test_a_firing_from_a_clock_hours_behind_is_not_lost_after_a_bare_resolve():
    state, _ = fold(fire(-420, 0), resolve(None, None, 5), fire(-410, 10))

    assert state.status == "firing"


@pytest.mark.parametrize(
    "absurd", [GO_ZERO, datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
)
def test_absurd_clocks_count_as_no_time(absurd: datetime):
    state, changes = fold(fire(absurd, 1), resolve(absurd, absurd, 2), fire(absurd, 3))

    assert changes == ["opened", "resolved", "refired"]
    assert state.starts_at == NOON + minutes(3)


def test_a_time_without_a_zone_is_utc():
    naive = datetime(2026, 11, 20, 11, 59)  # noqa: DTZ001  # the point of the test

    state, _ = fold(fire(naive, 0))

    assert state.starts_at == NOON - minutes(1)


@pytest.mark.parametrize("skew", [-24 * 60, 24 * 60 - 30])
def test_a_skewed_clock_is_compared_with_itself(skew: float):
    state, changes = fold(
        fire(skew, 1), resolve(skew, skew + 5, 6), fire(skew, 7), fire(skew + 20, 21)
    )

    assert changes == ["opened", "resolved", "late", "refired"]
    assert state.status == "firing"


def test_the_latest_received_severity_wins_in_any_order():
    deliveries = [fire(0, 1, "low"), fire(0, 3, "critical"), fire(0, 2, "medium")]

    severities = {fold(*order)[0].severity for order in (deliveries, deliveries[::-1])}

    assert severities == {"critical"}


def test_a_resolve_does_not_change_the_severity():
    state, _ = fold(fire(0, 1, "critical"), resolve(0, 5, 6))

    assert state.severity == "critical"


def test_more_than_five_episodes_in_ten_minutes_flap():
    deliveries = [each for n in range(6) for each in (fire(n, n), resolve(n, n + 0.5, n + 0.5))]

    state, _ = fold(*deliveries)
    before, _ = fold(*deliveries[:-2])

    assert state.is_flapping(NOON + minutes(6))
    assert not before.is_flapping(NOON + minutes(6))
    assert not state.is_flapping(NOON + minutes(11))


def test_the_state_survives_json():
    state, _ = fold(fire(0, 1), resolve(0, 5, 6), fire(None, 7))

    stored = orjson.loads(orjson.dumps(state.as_json()))

    assert AlertState.from_json(stored) == state


@st.composite
def dated_deliveries(draw: st.DrawFn) -> list[Delivery]:
    """Episodes of a sender that dates its events, with repeats and duplicates."""
    deliveries = []
    for episode in range(draw(st.integers(1, 4))):
        starts, ends = episode * 10, episode * 10 + draw(st.integers(1, 10))
        firings = draw(st.lists(st.floats(0, 60), min_size=1, max_size=3))
        resolves = draw(st.lists(st.floats(0, 60), max_size=2))
        deliveries += [fire(starts, starts + late) for late in firings]
        deliveries += [resolve(starts, ends, ends + late) for late in resolves]
    return deliveries


def oracle(deliveries: list[Delivery]) -> str:
    """The newest episode decides: it is over when any resolve reaches its start."""
    newest = max(e.starts_at for e, _ in deliveries if e.status == "firing" and e.starts_at)
    is_over = any(e.starts_at == newest for e, _ in deliveries if e.status == "resolved")
    return "resolved" if is_over else "firing"


@given(dated_deliveries().flatmap(lambda d: st.tuples(st.just(d), st.permutations(d))))
def test_any_order_of_dated_deliveries_ends_as_the_oracle_says(
    orders: tuple[list[Delivery], list[Delivery]],
):
    deliveries, shuffled = orders

    state, _ = fold(*shuffled)

    assert state.status == oracle(deliveries)
    assert state.event_count == len(deliveries)


ANY_TIME = (
    st.none()
    | st.integers(-3000, 3000)
    | st.sampled_from([GO_ZERO, datetime.max.replace(tzinfo=UTC)])
)
ANY_DELIVERY = st.one_of(
    st.builds(fire, ANY_TIME, st.integers(0, 60), st.sampled_from(SEVERITIES)),
    st.builds(resolve, ANY_TIME, ANY_TIME, st.integers(0, 60)),
)


@given(
    st.lists(ANY_DELIVERY, min_size=1, max_size=8).flatmap(
        lambda d: st.tuples(st.just(d), st.permutations(d))
    )
)
def test_whatever_is_sent_the_order_of_processing_changes_nothing_that_matters(
    orders: tuple[list[Delivery], list[Delivery]],
):
    deliveries, shuffled = orders

    one, other = fold(*deliveries)[0], fold(*shuffled)[0]

    assert (one.status, one.last_received_at) == (other.status, other.last_received_at)
    assert all(s.ends_at is None or s.ends_at >= s.starts_at for s in (one, other))
    if any(event.status == "firing" for event, _ in deliveries):
        assert one.severity == other.severity


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), min_size=1, max_size=8))
def test_undated_senders_end_as_the_last_received_says(sent: list[tuple[bool, int]]):
    deliveries = [
        fire(None, at) if is_firing else resolve(None, None, at) for is_firing, at in sent
    ]

    state, _ = fold(*deliveries)

    last = max(at for _, at in sent)
    all_last_fired = all(is_firing for is_firing, at in sent if at == last)
    assert state.status == ("firing" if all_last_fired else "resolved")
