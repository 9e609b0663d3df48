import json
from datetime import date

import pytest

from automation.charts import Kind, by_day, days_until

TODAY = date(2026, 11, 22)
WORKED, FAILED, NEVER = (
    Kind("ok", "Worked", "--ok"),
    Kind("bad", "Failed", "--critical", "/"),
    Kind("no", "Never", "--info"),
)
KINDS = (WORKED, FAILED, NEVER)


@pytest.fixture
def daily():
    yesterday = date(2026, 11, 21)
    counts = {(TODAY, "ok"): 2, (yesterday, "ok"): 1, (yesterday, "bad"): 4}
    return by_day(days_until(TODAY, 3), KINDS, counts)


def test_days_end_with_the_last_and_have_no_gap():
    assert days_until(date(2026, 3, 2), 3) == [
        date(2026, 2, 28),
        date(2026, 3, 1),
        date(2026, 3, 2),
    ]


def test_every_day_is_drawn_and_only_kinds_that_occur(daily):
    figure = json.loads(daily.figure)

    drawn = {bars["meta"]["role"]: (bars["x"], bars["y"]) for bars in figure["data"]}
    days = ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert drawn == {"ok": (days, [0, 1, 2]), "bad": (days, [0, 4, 0])}
    assert figure["layout"]["barmode"] == "stack"


def test_kinds_differ_by_more_than_colour(daily):
    worked, failed = json.loads(daily.figure)["data"]

    assert worked["marker"]["color"] == "var(--ok)"
    assert worked["marker"]["pattern"]["shape"] != failed["marker"]["pattern"]["shape"]


def test_the_table_has_the_days_on_which_something_happened(daily):
    assert daily.seen == [WORKED, FAILED]
    assert daily.rows == [(TODAY, [2, 0]), (date(2026, 11, 21), [1, 4])]


def test_the_sentence_counts(daily):
    assert daily.sentence == "7 in 3 days: 3 worked, 4 failed"
    assert by_day(days_until(TODAY, 3), KINDS, {}).sentence == "0 in 3 days: none"


@pytest.mark.parametrize(("most", "step"), [(0, 1), (1, 1), (4, 1), (5, 2), (40, 10)])
def test_ticks_are_whole_numbers_and_few(most, step):
    daily = by_day([TODAY], KINDS, {(TODAY, "ok"): most})

    assert json.loads(daily.figure)["layout"]["yaxis"]["dtick"] == step
