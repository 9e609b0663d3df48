import pytest

from aiops_site.dashboards.time_range import UNITS_MS, NoSuchTime, read

NOW = 1_795_000_000_000
HOUR = UNITS_MS["h"]


def test_times_are_relative_written_out_or_numbers():
    assert read("now-6h", "now", now_ms=NOW).start_ms == NOW - 6 * HOUR
    assert read("now-2d", "now-1d", now_ms=NOW).end_ms == NOW - 24 * HOUR
    written = read("2026-11-22T12:00:00Z", "2026-11-22T13:00:00+00:00", now_ms=NOW)
    assert written.end_ms - written.start_ms == HOUR
    assert read(str(NOW - HOUR), str(NOW), now_ms=NOW).end_ms == NOW


@pytest.mark.parametrize(
    ("source", "until"),
    [
        ("now", "now"),
        ("now", "now-1h"),
        ("now-500d", "now"),
        ("yesterday", "now"),
        ("2026-11-22T12:00:00", "now"),
        ("now-1y", "now"),
        ("0", "now"),
        ("99999999999999", "now"),
        ("now-999999d", "now"),
        ("", "now"),
        ("now-٣h", "now"),
    ],
)
def test_other_times_are_refused(source, until):
    with pytest.raises(NoSuchTime):
        read(source, until, now_ms=NOW)


@pytest.mark.parametrize(
    ("source", "step_seconds", "rate"),
    [("now-15m", 5, "60000ms"), ("now-6h", 120, "135000ms"), ("now-400d", 86_400, "86415000ms")],
)
def test_steps_are_round_and_rates_reach_over_enough_scrapes(source, step_seconds, rate):
    seen = read(source, "now", now_ms=NOW)

    assert seen.step_ms == step_seconds * 1000
    assert seen.durations()["__rate_interval"] == rate


def test_a_range_says_its_length_in_three_units():
    durations = read("now-1h", "now", now_ms=NOW).durations()

    assert [durations[f"__range{end}"] for end in ("", "_s", "_ms")] == ["3600s", "3600", "3600000"]
