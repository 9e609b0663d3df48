"""Groups catch what Python's own engine says, and no pattern takes for ever."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telemetry.promql.captures import Pattern, UnknownPattern

pieces = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\.", "a*", ".*?", "b+", "a{2}", "b?"]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["", "?", "+", "*", "{1,2}"])),
    ),
    max_leaves=6,
)


@given(written=pieces, text=st.text("ab.", max_size=6))
def test_groups_catch_what_they_catch_in_python(written: str, text: str):
    pattern = _known(written)
    assume(pattern is not None)

    found = re.fullmatch(written, text)

    expected = found and [caught or "" for caught in found.groups()]
    caught = pattern.groups(text)
    assert (caught and [caught[str(n)] for n in range(1, len(caught))]) == expected


def _known(written: str) -> Pattern | None:
    try:
        return Pattern(written)
    except UnknownPattern:
        return None


def test_a_group_has_its_name_and_its_number():
    assert Pattern("(?P<host>[^:]+):(?:.*)").groups("a.b:90") == {
        "0": "a.b:90",
        "1": "a.b",
        "host": "a.b",
    }


def test_a_pattern_that_others_never_finish_is_finished():
    started = time.monotonic()

    assert Pattern("(a|a)+(a|a)+b").groups("a" * 300) is None

    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize(
    "written",
    ["(a*)*", "(?i)a", r"a\b", "[[:alpha:]]", "(a", "a)", "*", "a{1001}", "((a{99}){99})"],
)
def test_what_it_does_not_know_is_refused(written: str):
    with pytest.raises(UnknownPattern, match="from character"):
        Pattern(written)


@pytest.mark.parametrize("written", ["|".join(["a"] * 2_000), "(" * 240 + "a" + ")" * 240])
def test_what_would_end_the_stack_is_refused(written: str):
    with pytest.raises(UnknownPattern, match="from character"):
        Pattern(written)
