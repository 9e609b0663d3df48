import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry.detectors import DETECTORS, make_detector
from telemetry.seasons import Season
from telemetry.windows import RecentValues

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.fixture(params=sorted(DETECTORS))
def detector(request):
    return make_detector(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20261122)


def scores(detector, values, *, step_ms=SECOND, start_ms=0):
    at_ms = start_ms + np.arange(len(values)) * step_ms
    return np.array([judged.score for judged in detector.judge(np.asarray(values, float), at_ms)])


# Every detector


def test_it_is_registered_under_its_own_slug(detector):
    assert DETECTORS[detector.slug] is type(detector)


def test_scores_have_the_shape_of_the_values_and_are_finite_and_not_negative(detector, rng):
    scored = detector.fit(rng.normal(50, 5, 500)).score(rng.normal(50, 50, 200))

    assert scored.shape == (200,)
    assert scored.dtype == np.float64
    assert np.isfinite(scored).all()
    assert (scored >= 0).all()


def test_batch_scores_are_the_streamed_ones_and_scoring_learns_nothing(detector, rng):
    values = rng.lognormal(3, 0.5, 400)
    values[250:260] *= 20
    at_ms = np.arange(400) * SECOND
    detector.fit(values[:200], at_ms[:200])
    before = detector.state()

    batch = detector.score(values[200:], at_ms[200:])

    assert detector.state() == before
    assert batch.tolist() == [judged.score for judged in detector.judge(values[200:], at_ms[200:])]


def test_fit_forgets_what_was_learnt_before(detector, rng):
    history = rng.normal(10, 1, 300)
    fresh = make_detector(detector.slug).fit(history).state()

    detector.fit(rng.normal(9000, 1, 300)).fit(history)

    assert detector.state() == fresh


def test_state_survives_json_and_the_judgements_go_on_unchanged(detector, rng):
    values = rng.normal(10, 1, 700)
    values[300:330] += 100
    at_ms = np.arange(700) * HOUR
    detector.judge(values[:310], at_ms[:310])

    twin = make_detector(detector.slug).restore(json.loads(json.dumps(detector.state())))

    assert twin.judge(values[310:], at_ms[310:]) == detector.judge(values[310:], at_ms[310:])


def test_a_foreign_state_is_refused(detector):
    for foreign in ({}, {"version": "other/1"}, {**detector.state(), "memory": {"season": 3}}):
        with pytest.raises(ValueError, match=r"state|validation"):
            detector.restore(foreign)


def test_the_future_does_not_change_the_past(detector, rng):
    values = rng.normal(10, 1, 400)
    other = values.copy()
    other[300:] = -1e6

    one = scores(detector, values)
    two = scores(make_detector(detector.slug), other)

    assert one[:300].tolist() == two[:300].tolist()


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(), max_size=150), slug=st.sampled_from(sorted(DETECTORS)))
def test_no_value_whatever_breaks_it(values, slug):
    judged = make_detector(slug, warm_up_points=5, warm_up_seconds=0).judge(
        np.array(values, float), np.arange(len(values)) * SECOND
    )

    assert all(np.isfinite(judgement.score) and judgement.score >= 0 for judgement in judged)


def test_nothing_is_known_of_an_empty_history(detector):
    assert detector.fit(np.array([])).score(np.array([])).shape == (0,)


def test_an_unknown_detector_is_named_with_the_known_ones():
    with pytest.raises(KeyError, match="seasonal"):
        make_detector("oracle")


def test_a_misspelt_setting_is_refused():
    with pytest.raises(ValidationError):
        make_detector("seasonal", windw=3)


# The seasonal one


@pytest.fixture
def seasonal():
    return make_detector("seasonal")


def test_it_learns_from_sixty_points_and_at_least_45_seconds(seasonal, rng):
    judged = seasonal.judge(rng.normal(10, 1, 70), np.arange(70) * SECOND)

    assert [judgement.is_learning for judgement in judged] == [True] * 60 + [False] * 10
    assert judged[59].upper is None
    assert judged[60].lower < judged[60].expected < judged[60].upper


def test_many_points_in_little_time_are_not_enough(seasonal, rng):
    judged = seasonal.judge(rng.normal(10, 1, 400), np.arange(400) * 100)

    assert judged[-1].is_learning


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.3])
def test_a_tenfold_latency_is_seen_within_two_points(rng, sigma):
    for _ in range(20):
        detector = make_detector("seasonal")
        scores(detector, rng.lognormal(3, sigma, 300))

        jumped = scores(detector, rng.lognormal(3, sigma, 2) * 10, start_ms=300 * SECOND)

        assert (jumped > 1).any()


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(
    "noise",
    [
        lambda rng, n: rng.normal(100, 10, n),
        lambda rng, n: rng.normal(0, 1, n),
        lambda rng, n: rng.lognormal(3, 0.3, n),
        lambda rng, n: rng.lognormal(3, 1.0, n),
        lambda rng, n: rng.poisson(5, n).astype(float),
    ],
    ids=["normal", "around-zero", "lognormal", "heavy-lognormal", "counts"],
)
def test_flat_noise_is_called_anomalous_less_than_once_in_3000_points(rng, noise):
    runs, length = 30, 2000

    alarms = sum(
        (scores(make_detector("seasonal"), noise(rng, length)) > 1).sum() for _ in range(runs)
    )

    assert alarms / (runs * length) < 1 / 3000


def test_an_outage_does_not_move_the_band(seasonal, rng):
    scores(seasonal, rng.normal(200, 10, 600))
    before = seasonal.observe(600 * SECOND, 200.0)

    outage = scores(seasonal, rng.normal(2000, 100, 900), start_ms=601 * SECOND)

    after = seasonal.observe(1501 * SECOND, 200.0)
    assert (outage > 1).all()
    assert after.upper == pytest.approx(before.upper, rel=0.05)
    assert after.score < 1


def test_a_level_that_stays_for_an_hour_is_the_new_normal(seasonal, rng):
    scores(seasonal, rng.normal(200, 10, 600))

    shifted = scores(seasonal, rng.normal(400, 10, 4000), start_ms=600 * SECOND)

    assert (shifted[:3600] > 1).all()
    assert (shifted[3605:] < 1).all()


def test_back_on_the_level_before_is_normal_at_once(seasonal, rng):
    scores(seasonal, rng.normal(200, 10, 600))
    scores(seasonal, rng.normal(400, 10, 4000), start_ms=600 * SECOND)

    back = seasonal.judge(rng.normal(200, 10, 300), np.arange(4600, 4900) * SECOND)

    assert all(judged.score <= 1 for judged in back)
    assert all(judged.lower <= 200 <= judged.upper < 300 for judged in back)
    assert seasonal.observe(4900 * SECOND, 400.0).score > 1


def test_a_level_that_does_not_settle_is_not_learnt(seasonal, rng):
    scores(seasonal, rng.normal(200, 10, 600))

    rising = scores(seasonal, np.linspace(400, 9000, 5000), start_ms=600 * SECOND)

    assert (rising > 1).all()


def test_noise_with_rare_spikes_learns_its_spikes(rng):
    detector = make_detector("seasonal")
    values = np.where(rng.random(6000) < 0.05, rng.lognormal(0, 0.2, 6000), 0.0)

    scored = scores(detector, values)

    assert (scored[3000:] > 1).mean() < 0.005
    assert detector.observe(6001 * SECOND, 20.0).score > 1


def test_a_constant_has_a_narrow_band_and_a_finite_score(seasonal):
    scores(seasonal, np.full(300, 50.0))

    assert seasonal.observe(300 * SECOND, 50.5).score < 1
    assert 1 < seasonal.observe(301 * SECOND, 70.0).score < 100


def test_leaving_a_constant_zero_is_anomalous_and_finite(seasonal):
    scores(seasonal, np.zeros(300))

    judged = seasonal.observe(300 * SECOND, 3.0)

    assert judged.score == 1000
    assert judged.lower == 0


def test_counts_that_move_by_one_step_are_normal(seasonal):
    scores(seasonal, [2.0, 2.0, 3.0] + [2.0] * 300)

    assert seasonal.observe(303 * SECOND, 4.0).score < 1


def test_what_was_never_negative_has_no_negative_band(seasonal, rng):
    scores(seasonal, np.abs(rng.normal(0, 10, 300)))

    assert seasonal.observe(300 * SECOND, 1.0).lower == 0


def test_what_was_negative_may_be(seasonal, rng):
    scores(seasonal, rng.normal(0, 10, 300))

    assert seasonal.observe(300 * SECOND, 1.0).lower < -10


def test_more_than_one_means_outside_the_band_and_the_other_way_round(rng):
    detector = make_detector("seasonal")
    values = rng.standard_t(2, 3000) * 10 + 500
    judged = detector.judge(values, np.arange(3000) * SECOND)[60:]

    for judgement, value in zip(judged, values[60:], strict=True):
        assert (judgement.score > 1) == (not judgement.lower <= value <= judgement.upper)


@pytest.mark.parametrize(
    ("direction", "rises", "falls"), [("up", True, False), ("down", False, True)]
)
def test_it_can_watch_one_direction_only(rng, direction, rises, falls):
    detector = make_detector("seasonal", direction=direction)
    scores(detector, rng.normal(100, 5, 300))

    assert (detector.observe(300 * SECOND, 900.0).score > 1) is rises
    assert (detector.observe(301 * SECOND, 1.0).score > 1) is falls


def test_a_missing_value_is_neither_judged_nor_learnt(seasonal, rng):
    scores(seasonal, rng.normal(100, 5, 300))
    before = seasonal.state()

    judged = seasonal.observe(300 * SECOND, float("nan"))

    assert (judged.score, judged.upper) == (0.0, None)
    assert seasonal.state() == before


def daily(days, rng, *, step_ms=5 * MINUTE, weekend=1.0):
    at_ms = np.arange(0, days * DAY, step_ms)
    is_weekend = (at_ms // DAY) % 7 >= 5
    level = 1000 + 800 * np.sin(2 * np.pi * at_ms / DAY) * np.where(is_weekend, weekend, 1.0)
    return at_ms, level + rng.normal(0, 20, len(at_ms))


def test_after_some_days_the_hour_of_the_day_is_expected(rng):
    at_ms, values = daily(8, rng)
    detector = make_detector("seasonal")

    judged = detector.judge(values, at_ms)

    widths = [judgement.upper - judgement.lower for judgement in judged[60:]]
    last_day = judged[-288:]
    errors = [abs(j.expected - v) for j, v in zip(last_day, values[-288:], strict=True)]
    assert np.median(widths[-288:]) < np.median(widths[300:576]) / 2
    assert np.median(errors) < 100
    assert max(judgement.score for judgement in last_day) < 1


def test_the_night_value_at_noon_is_anomalous_only_once_seasons_are_known(rng):
    at_ms, values = daily(8, rng)
    detector = make_detector("seasonal")
    detector.judge(values, at_ms)
    peak_ms = 8 * DAY + DAY // 4
    detector.judge(values[: 6 * 12], at_ms[: 6 * 12] + 8 * DAY)

    assert detector.observe(peak_ms, 200.0).score > 1


def test_seasons_come_into_use_after_two_days_without_a_jump():
    season = Season()
    offsets = {}
    for at_ms in range(0, 3 * DAY, 10 * MINUTE):
        offsets[at_ms] = season.offset(at_ms)
        season.learn(at_ms, 300.0 if 6 * HOUR <= at_ms % DAY < 18 * HOUR else 100.0)

    day_two = [offset for at_ms, offset in offsets.items() if at_ms < 2 * DAY]
    assert set(day_two) == {0.0}
    assert abs(offsets[2 * DAY + 20 * MINUTE]) < 20
    assert offsets[2 * DAY + 12 * HOUR] - offsets[2 * DAY + 22 * HOUR] == pytest.approx(
        200, rel=0.3
    )


def test_the_day_of_the_week_counts_after_two_weeks():
    season = Season()
    for at_ms in range(0, 29 * DAY, 30 * MINUTE):
        season.learn(at_ms, 0.0 if (at_ms // DAY) % 7 >= 5 else 100.0)

    working, weekend = season.offset(29 * DAY + 12 * HOUR), season.offset(33 * DAY + 12 * HOUR)

    assert working - weekend == pytest.approx(100, rel=0.1)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0, 1))
def test_window_quantiles_are_numpys(values, share):
    recent = RecentValues(20)
    for value in values:
        recent.add(value)

    assert recent.quantile(share) == pytest.approx(np.quantile(values[-20:], share), abs=1e-6)
    assert len(recent) == min(len(values), 20)
