from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from automation.limits import Limits, Situation, Window, all_passed, check_limits

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
SITUATION = Situation(at=AT, targets=["checkout"], risk="medium", is_automatic=True)


def refused(limits, situation):
    return {each.name: each.reason for each in check_limits(limits, situation) if not each.passed}


def test_a_first_run_passes_every_guardrail():
    checks = check_limits(Limits(), SITUATION)

    assert all_passed(checks)
    assert [check.name for check in checks] == [
        "paused",
        "risk",
        "window",
        "max_targets",
        "cooldown_seconds",
        "max_per_hour",
    ]
    assert all(check.reason for check in checks)


def test_paused_automation_runs_nothing_and_says_why():
    situation = replace(SITUATION, pause_reason="storage migration")

    assert refused(Limits(), situation) == {"paused": "Automation is paused: storage migration."}


@pytest.mark.parametrize("risk", ["high", "critical"])
def test_a_policy_never_runs_a_grave_risk_but_a_person_may(risk):
    assert "risk" in refused(Limits(), replace(SITUATION, risk=risk))
    assert not refused(Limits(), replace(SITUATION, risk=risk, is_automatic=False))


def test_more_targets_than_allowed_are_refused_and_repeats_count_once():
    assert not refused(Limits(), replace(SITUATION, targets=["a", "a"]))
    assert refused(Limits(), replace(SITUATION, targets=["a", "b"])) == {
        "max_targets": "2 targets, at most 1 allowed."
    }


@pytest.mark.parametrize(("seconds", "passes"), [(299, False), (300, True), (0, False)])
def test_the_cooldown_of_a_target_ends_to_the_second(seconds, passes):
    situation = replace(
        SITUATION, last_run_at={"checkout": AT - timedelta(seconds=seconds), "store": AT}
    )

    assert ("cooldown_seconds" not in refused(Limits(), situation)) is passes


def test_a_cooldown_says_how_long_it_lasts():
    situation = replace(SITUATION, last_run_at={"checkout": AT - timedelta(seconds=298.5)})

    reason = refused(Limits(), situation)["cooldown_seconds"]

    assert reason == "checkout cools down for 2 more seconds."


@pytest.mark.parametrize(("runs", "passes"), [(2, True), (3, False), (4, False)])
def test_the_hourly_cap_counts_runs_of_the_target(runs, passes):
    situation = replace(SITUATION, runs_last_hour={"checkout": runs, "store": 9})

    assert ("max_per_hour" not in refused(Limits(), situation)) is passes


@pytest.mark.parametrize(
    ("window", "at", "is_inside"),
    [
        ("always", "2026-03-08T03:00+00:00", True),
        ("mon-fri 08:00-18:00", "2026-03-04T08:00+00:00", True),
        ("mon-fri 08:00-18:00", "2026-03-04T18:00+00:00", False),
        ("mon-fri 08:00-18:00", "2026-03-07T12:00+00:00", False),
        ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-04T07:30+00:00", True),
        ("mon-fri 08:00-18:00 Europe/Berlin", "2026-07-01T06:30+00:00", True),
        ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-04T06:30+00:00", False),
        ("fri 22:00-06:00", "2026-03-07T05:59+00:00", True),
        ("fri 22:00-06:00", "2026-03-08T05:59+00:00", False),
        ("fri 22:00-06:00", "2026-03-06T05:59+00:00", False),
        ("sat,sun 00:00-24:00", "2026-03-08T23:59+00:00", True),
        ("fri-mon 00:00-24:00", "2026-03-09T10:00+00:00", True),
        ("fri-mon 00:00-24:00", "2026-03-10T00:00+00:00", False),
        ("mon 01:00-02:00; daily 11:00-13:00", "2026-03-04T12:00+00:00", True),
    ],
)
def test_a_window_holds_the_times_it_names(window, at, is_inside):
    assert Window.parse(window).contains(datetime.fromisoformat(at)) is is_inside


def test_outside_its_window_the_next_opening_is_named_in_its_own_zone():
    limits = Limits(window=Window.parse("mon-fri 08:00-18:00 Europe/Berlin; sat 20:00-21:00"))
    situation = replace(SITUATION, at=datetime(2026, 3, 7, 21, 30, tzinfo=UTC))

    reason = refused(limits, situation)["window"]

    assert reason == "Closed until Mon 09 Mar 08:00 Europe/Berlin."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "mon",
        "mon-fri",
        "mon 8-18",
        "mon 08:00-25:00",
        "foo 08:00-09:00",
        "mon-x 08:00-09:00",
        "mon 08:00-09:00 Mars/Base",
        "mon 08:00-09:00 ../../etc/passwd",
        "always; mon 08:00-09:00",
    ],
)
def test_a_window_that_can_not_be_read_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"is not|neither"):
        Window.parse(text)
