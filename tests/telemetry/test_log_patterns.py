"""Templates of log lines: the same for the same lines, bounded, and in proportion to them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import log_patterns
from telemetry.log_patterns import HOLE, common_words, compare, mine, words_of


def texts(lines):
    return [template.text for template in mine(lines)]


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("took 12 ms", "took <*> ms"),
        ("took 1.5s of 30ms", "took <*>s of <*>ms"),
        ("from 10.0.0.1:8080 to fe80::1:2:3:4", "from <*> to <*>"),
        ("id 550e8400-e29b-41d4-a716-446655440000 at 0xdeadbeef", "id <*> at <*>"),
        ("2026-11-22T10:00:00.123Z done", "<*> done"),
        ("order a3f29c01bb failed", "order <*> failed"),
        ("worker v2 on ipv4 says café", "worker v2 on ipv4 says café"),
        ("\x1b[31mred\x1b[0m alert", "red alert"),
        ("user=42 ok=true", "user=<*> ok=true"),
        ("", HOLE),
    ],
)
def test_what_varies_by_its_shape_is_a_hole(line, template):
    assert " ".join(words_of(line)) == template


def test_words_that_differ_between_lines_become_a_hole():
    lines = [f"request of {name} failed: timed out" for name in ("ada", "grace", "linus")]

    (template,) = mine(lines)

    assert template.text == "request of <*> failed: timed out"
    assert template.lines == [0, 1, 2]


def test_lines_of_another_length_or_another_beginning_are_other_templates():
    assert texts(["disk is full", "disk is very full", "memory is full"]) == [
        "disk is full",
        "disk is very full",
        "memory is full",
    ]


def test_templates_say_what_is_new_rising_falling_and_gone():
    before = ["a steady thing"] * 10 + ["b was here often"] * 10 + ["c comes up"] * 3
    before += ["d goes down slowly"] * 20
    now = ["a steady thing"] * 11 + ["c comes up"] * 30 + ["e never seen before"]
    now += ["d goes down slowly"] * 4

    trends = {pattern.text[0]: pattern.trend for pattern in compare(now, before)}

    assert trends == {"a": "", "b": "gone", "c": "rising", "d": "falling", "e": "new"}


def test_patterns_know_their_lines_and_come_by_how_many_they_are():
    first, second = compare(["one 1 x", "two y z", "one 2 x"], ["one 7 x"])

    assert (first.text, first.lines, first.before) == ("one <*> x", (0, 2), 1)
    assert (second.text, second.count) == ("two y z", 1)


def test_the_search_for_a_template_is_its_longest_stretch_without_a_hole():
    assert common_words("GET <*> answered with status <*> late") == "answered with status"
    assert common_words("took <*>ms to do") == "ms to do"
    assert common_words(HOLE) == ""


def test_memory_is_bounded_and_what_is_too_much_is_one_template(monkeypatch):
    monkeypatch.setattr(log_patterns, "MOST_TEMPLATES", 5)
    lines = [f"word{letter} goes {letter * 3}" for letter in "abcdefghij"]

    templates = mine(lines)

    assert len(templates) == 6
    assert templates[-1].text == HOLE
    assert sum(len(template.lines) for template in templates) == 10


@pytest.mark.parametrize(
    "line",
    [
        "a" * 1_000_000,
        "1" * 999 + "a",
        "1." * 100_000,
        "ab:" * 400,
        "deadbeef" * 125 + "g",
        "\x1b[" * 500,
        "\x00\x01 \u202e evil <script>",
        " ".join(map(chr, range(0x4E00, 0x4E00 + 500))),
    ],
)
def test_no_line_takes_long(line, untraced):
    began = time.monotonic()

    mine([line] * 200)

    assert time.monotonic() - began < 1


def test_many_lines_take_a_time_in_proportion(untraced):
    lines = [f"w{n % 97} {'x' * (n % 13)} of {n} by user{n % 7}" for n in range(6_000)]
    began = time.monotonic()

    mine(lines)

    assert time.monotonic() - began < 3


@given(st.lists(st.text(max_size=60), max_size=30))
def test_every_line_is_of_one_template_and_mining_again_gives_the_same(lines):
    templates = mine(lines)

    assert sorted(place for each in templates for place in each.lines) == list(range(len(lines)))
    assert [each.text for each in mine(lines)] == [each.text for each in templates]
