import time

import pytest

from telemetry.linear_regex import InvalidPattern, matches_whole


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("a|b", "b", True),
        ("a|b", "ab", False),
        ("a.c", "a\nc", True),
        ("(?i)prod.*", "PROD-1", True),
        ("", "", True),
        ("", "x", False),
        ("a$", "a\n", False),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern, text, is_match):
    assert matches_whole(pattern, text) == is_match


@pytest.mark.parametrize("pattern", ["x(", "a)|(b", "(?=x)", r"(a)\1", "a{9999}{9999}"])
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(pattern):
    with pytest.raises(InvalidPattern, match=r"\w"):
        matches_whole(pattern, "x")


def test_a_pattern_that_backtracks_elsewhere_takes_no_time():
    began = time.process_time()

    assert not matches_whole("(a+)+b", "a" * 100_000)

    assert time.process_time() - began < 1
