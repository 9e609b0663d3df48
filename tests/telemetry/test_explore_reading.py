"""What stands in an address of the explorer is read or refused, and is found again in its links."""

from urllib.parse import parse_qs, parse_qsl

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.explore.bars import sparkline, stacked
from telemetry.explore.filters import facets_of, written
from telemetry.explore.lines import Line, line_name, lines_of, unit_of
from telemetry.explore.logs_query import read_place, read_search
from telemetry.explore.range import TimeRange, Unreadable, nice_step, read_range
from telemetry.explore.text import moment, one_line, readable
from telemetry.explore.traces_query import read_duration, read_trace_search
from telemetry.promql.asking import selector
from telemetry.promql.errors import InvalidQuery
from telemetry.records import severity_word
from telemetry.store.frames import Frame, Matcher

NOW_MS = 1_795_000_000_000
HOUR = TimeRange(NOW_MS - 3_600_000, NOW_MS, 3600)
names = st.sampled_from(["q", "service", "severity", "trace", "source", "range", "from", "to"])
given_texts = st.dictionaries(names, st.text(max_size=30))


def asked(address):
    pairs = parse_qsl(address.removeprefix("?"), keep_blank_values=True)
    return dict(pairs), [value for name, value in pairs if name == "attr"]


@pytest.mark.parametrize(
    ("given_range", "start_ms", "end_ms"),
    [
        ({}, NOW_MS - 3_600_000, NOW_MS),
        ({"range": "900"}, NOW_MS - 900_000, NOW_MS),
        ({"range": "900", "from": "2026-01-01T00:00"}, NOW_MS - 900_000, NOW_MS),
        (
            {"from": "2026-11-18T10:00", "to": "2026-11-18T11:00"},
            1_794_996_000_000,
            1_794_999_600_000,
        ),
        ({"to": "2026-11-18T12:00:00+01:00"}, 1_794_996_000_000, 1_794_999_600_000),
    ],
)
def test_a_time_is_a_range_back_from_now_or_two_moments(given_range, start_ms, end_ms):
    read = read_range(given_range, NOW_MS)

    assert (read.start_ms, read.end_ms) == (start_ms, end_ms)
    assert read_range(dict(read.parameters), NOW_MS) == read


@given(given_texts)
def test_whatever_is_written_as_a_time_is_read_or_refused(texts):
    try:
        read = read_range(texts, NOW_MS)
    except Unreadable:
        return
    assert 0 < read.end_ms - read.start_ms <= 31 * 86_400_000


@given(given_texts, st.lists(st.text(max_size=20), max_size=12))
def test_a_search_for_lines_is_found_again_in_its_own_address(texts, attributes):
    search, problems = read_search(texts, attributes, HOUR)

    again, _ = read_search(*asked(search.address()), HOUR)

    assert again == search
    assert set(problems) <= {"q", "service", "severity", "trace", "source", "attr"}


@given(st.text(max_size=15), st.text(max_size=15), st.text(max_size=15))
def test_a_search_for_traces_is_read_whatever_its_durations_are(least, most, operation):
    search, problems = read_trace_search(
        {"least": least, "most": most, "operation": operation, "errors": "1"}, [], HOUR
    )

    assert search.query().only_errors
    assert set(problems) <= {"least", "most"}
    assert read_trace_search(asked(search.address())[0], [], HOUR)[0] == search


def test_an_attribute_can_be_added_and_left_out():
    search, _ = read_search({"q": "x"}, ["a=1", "b=2=3"], HOUR)

    assert search.attributes == (("a", "1"), ("b", "2=3"))
    assert parse_qs(search.with_attribute("c", "&").removeprefix("?"))["attr"] == [
        "a=1",
        "b=2=3",
        "c=&",
    ]
    assert parse_qs(search.without_attribute("a").removeprefix("?"))["attr"] == ["b=2=3"]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("250", 250_000_000), ("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("2 m", 120 * 10**9),
     ("7us", 7_000), ("999999999999h", 30 * 86_400 * 10**9)],
)  # fmt: skip
def test_durations_are_read_with_their_unit(text, nanoseconds):
    assert read_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["1.2", "-1.2", "x.1", "1.x", ".", "9" * 30 + ".1", "9" * 19 + ".1"]
)
def test_a_place_is_two_whole_numbers_that_a_database_can_hold(text):
    assert (read_place(text) is not None) == (text == "1.2")


def test_severities_are_words_for_every_number():
    assert [severity_word(n) for n in (0, 1, 5, 9, 13, 17, 21, 24, 25, -3)] == [
        "unknown", "trace", "debug", "info", "warning", "error", "fatal", "fatal", "unknown",
        "unknown",
    ]  # fmt: skip


@given(st.text(max_size=300), st.integers(1, 100))
def test_text_of_others_acts_on_nothing(text, most):
    shown = readable(text, most)

    assert not set(shown) & {chr(code) for code in range(32) if chr(code) not in "\t\n"}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x7f")
    assert "\n" not in one_line(text, most)
    assert len(one_line(text, most)) <= most + 1 + len(" … and 999,999 more characters")


def test_what_is_left_out_of_a_text_is_said():
    assert readable("x" * 1_000_000, 10) == "xxxxxxxxxx … and 999,990 more characters"


@given(st.integers(-(10**30), 10**30))
def test_every_moment_is_one_of_the_calendar(at_ns):
    assert moment(at_ns).year < 2200


values = st.text(max_size=12)


@given(
    st.lists(
        st.builds(Matcher, st.sampled_from(["job", "a_1"]), st.sampled_from(["=", "!="]), values),
        max_size=3,
    )
)
def test_a_selector_that_is_written_is_read_as_it_was_meant(matchers):
    whole = (Matcher("__name__", "=", "up"), *matchers)

    assert set(selector(written(whole))) == set(whole)


def test_only_a_selector_can_be_narrowed():
    frame = Frame(
        ({"__name__": "up", "job": 'a"b'}, {"__name__": "up", "job": "c"}),
        np.array([1]),
        np.ones((2, 1)),
    )
    lines = lines_of([frame])

    (facet,) = facets_of("up", lines)

    assert facet.name == "job"
    assert facet.values == [('a"b', 'up{job="a\\"b"}'), ("c", 'up{job="c"}')]
    assert facets_of("sum(up)", lines) == []
    assert facets_of("up offset 1m", lines) == []


def test_lines_without_a_finite_value_are_left_out_and_the_greatest_comes_first():
    frame = Frame(
        ({"a": "1"}, {"a": "2"}, {"a": "3"}),
        np.array([1, 2]),
        np.array([[np.nan, np.inf], [1.0, 2.0], [9.0, np.nan]]),
    )

    lines = lines_of([frame])

    assert [(line.labels["a"], line.last, line.last_ms) for line in lines] == [
        ("3", 9.0, 1),
        ("2", 2.0, 2),
    ]


def test_a_line_is_named_by_what_tells_it_from_the_others():
    line = Line({"__name__": "up", "job": "a", "env": "x"}, np.array([1]), np.array([1.0]))

    assert line_name(line, {}) == 'up{env="x", job="a"}'
    assert line_name(line, {"__name__": "up", "env": "x"}) == '{job="a"}'
    assert line_name(line, dict(line.labels)) == "up"


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("process_memory_usage_bytes", "By"),
        ('x_seconds{a="b"}', "s"),
        ("histogram_quantile(0.9, sum by (le) (rate(x_seconds_bucket[1m])))", "s"),
        ("rate(x_seconds[1m])", ""),
        ("", ""),
    ],
)
def test_a_unit_is_believed_where_a_question_does_not_change_it(query, unit):
    assert unit_of(query) == unit


def test_bars_stand_on_each_other_and_none_is_too_small_to_see():
    counts = [(0, "info", 99), (0, "error", 1), (10, "info", 1_000), (99, "info", 5)]

    bars = stacked(counts, start=0, step=10, steps=2, order=("info", "error"), width=100, height=50)

    assert [(bar.kind, bar.x, bar.height) for bar in bars] == [
        ("info", 0, 4.95),
        ("error", 0, 1.0),
        ("info", 50, 50),
    ]
    assert bars[0].title == "99 info"
    assert sparkline([], start=0, end=10, width=10, height=10) == []


def test_steps_are_round_and_as_many_as_wanted():
    assert [nice_step(seconds, 60) for seconds in (900, 3600, 86_400, 31 * 86_400)] == [
        15, 60, 1800, 86_400,
    ]  # fmt: skip


def test_promql_that_is_broken_offers_nothing():
    with pytest.raises(InvalidQuery):
        selector("sum(")
    assert facets_of("sum(", []) == []
