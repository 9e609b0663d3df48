import random
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.matchers import (
    InvalidMatcher,
    Matcher,
    matches_all,
    parse_matcher,
    parse_matchers,
)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("service=checkout", True),
        ("service = checkout", True),
        ('service="checkout"', True),
        ("service=check", False),
        ("service!=checkout", False),
        ("service!=payments", True),
        ("severity=~critical|high", True),
        ("severity=~crit", False),
        ("severity!~low|info", True),
        ("severity=~(?i)HIGH", True),
        ("team=", True),
        ("team!=", False),
        ("team=~.*", True),
        ("team=~.+", False),
        ('note="a \\"quoted\\" word"', True),
    ],
)
def test_matchers_read_labels_as_prometheus_does(text: str, matches: bool):  # noqa: FBT001
    labels = {"service": "checkout", "severity": "high", "note": 'a "quoted" word'}

    assert parse_matcher(text).matches(labels) is matches


def test_all_matchers_must_match():
    matchers = parse_matchers(["service=checkout", "severity=~critical|high"])

    assert matches_all(matchers, {"service": "checkout", "severity": "high"})
    assert not matches_all(matchers, {"service": "checkout", "severity": "low"})
    assert matches_all([], {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("checkout", "Write it like service=checkout"),
        ("=checkout", "is not a matcher"),
        ('service="checkout', "never closed"),
        ("service=~(a", "unclosed group"),
        ("service=~a)", "unopened group"),
        ("service=~[a", "unclosed character class"),
        ("service=~*a", "missing expression"),
        ("service=~a{5,2}", "invalid repetition count range"),
        ("service=~[z-a]", "invalid character class range"),
        ("service=~(?=a)b", "look-around"),
        ("service=~(a)\\1", "backreferences are not supported"),
        ("service=~(a{1000}){1000}", "size limit"),
        ("service=" + "a" * 2_000, "at most 1024"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, reason: str):
    with pytest.raises(InvalidMatcher) as caught:
        parse_matcher(text)

    assert reason in str(caught.value)


@given(
    st.from_regex(r"[a-z]{1,5}", fullmatch=True),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.text(alphabet='ab "\\\n', max_size=10),
)
def test_a_matcher_reads_back_what_it_writes(name: str, operator: str, value: str):
    matcher = Matcher(name, operator, value)

    try:
        parsed = parse_matcher(str(matcher))
    except InvalidMatcher:
        assert operator in {"=~", "!~"}
    else:
        assert parsed == matcher


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\.", "[a-c_-]", "é"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text(alphabet="abc1._é\n", max_size=8))
def test_patterns_match_as_in_pythons_re(pattern: str, text: str):
    expected = re.fullmatch(pattern, text, re.DOTALL) is not None

    assert Matcher("service", "=~", pattern).matches({"service": text}) == expected


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+c", "(a|a)*c", "(.*a){50}c", "(.*.*.*)*c", "(a|b)*a(a|b){80}", "(a?){100}a{100}"],
)
def test_no_pattern_makes_matching_slow(pattern: str):
    generator = random.Random(1)  # noqa: S311  # a fixed text, not a secret
    texts = ["a" * 8_192, "".join(generator.choice("ab") for _ in range(8_192))]
    matcher = Matcher("service", "=~", pattern)
    started = time.process_time()

    for text in texts:
        matcher.matches({"service": text})

    assert time.process_time() - started < 0.5


@given(st.text(max_size=40))
def test_any_pattern_is_compiled_or_refused(pattern: str):
    with suppress(InvalidMatcher):
        parse_matcher(f"service=~{pattern}").matches({"service": pattern})
