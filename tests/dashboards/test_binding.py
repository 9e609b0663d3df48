"""Chosen values come from an address bar: whatever they are, the query stays the same query."""

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiops_site.dashboards.binding import (
    ALL,
    CannotBind,
    Scope,
    bind,
    bind_search,
    bind_text,
)
from incidents.query_tokens import read_tokens
from telemetry.linear_regex import matches_whole
from telemetry.promql import syntax
from telemetry.promql.evaluating import KNOWN, matchers_of

HOSTILE = [
    'a"} or up{job="b',
    "a'} or up{job='b",
    "a`} or up{job=`b",
    "a\\",
    '\\"',
    "line\nbreak",
    "a|b",
    ".*",
    "(",
    "[a-z]+",
    "$service",
    "${service}",
    "# comment",
    "ü",
    "a{2}",
    "",
]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


def value_of(query):
    tree = syntax.parse(query, known=KNOWN)
    assert isinstance(tree, promql_parser.VectorSelector)
    (matcher,) = [each for each in matchers_of(tree) if each.name != "__name__"]
    return matcher


def scope(*values, **durations):
    return Scope({"service": values}, durations)


@pytest.mark.parametrize("mark", ['"', "'", "`"])
@given(value=texts)
@example(value=HOSTILE[0])
def test_any_value_is_the_literal_value_of_its_label(mark, value):
    bound = bind(f"x{{job={mark}$service{mark}}}", scope(value))

    assert value_of(bound).value == value


@pytest.mark.parametrize("mark", ['"', "'", "`"])
@given(value=texts)
@example(value="a.b")
def test_any_value_matches_itself_and_nothing_else_as_a_pattern(mark, value):
    bound = bind(f"x{{job=~{mark}$service{mark}}}", scope(value))

    pattern = value_of(bound).value
    assert matches_whole(pattern, value)
    assert not matches_whole(pattern, value + "x")


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_never_become_part_of_the_query(value):
    for query in ('x{job="$service"}', "x{job!~'a-${service}'}", "x{job=~`$service`}"):
        assert value_of(bind(query, scope(value))).name == "job"
    with pytest.raises(CannotBind):
        bind("rate(x[$service])", scope(value))
    with pytest.raises(CannotBind):
        bind("$service", scope(value))


def test_several_values_are_alternatives_of_a_pattern_only():
    assert bind('x{job=~"$service"}', scope("a.b", "c|d")) == r'x{job=~"(a\\.b|c\\|d)"}'
    assert bind('x{job=~"$service"}', scope(ALL)) == 'x{job=~".*"}'
    with pytest.raises(CannotBind, match="=~"):
        bind('x{job="$service"}', scope("a", "b"))
    with pytest.raises(CannotBind, match="=~"):
        bind('x{job="$service"}', scope(ALL))


def test_only_durations_stand_outside_of_quotes():
    known = scope("a", __rate_interval="60000ms", pace="5m", odd="5m] or up")

    assert bind("rate(x[$__rate_interval])", known) == "rate(x[60000ms])"
    assert bind("rate(x[${pace}])", known) == "rate(x[5m])"
    assert bind('x{job="$pace"}', known) == 'x{job="5m"}'
    with pytest.raises(CannotBind):
        bind("rate(x[$odd])", known)


def test_what_is_no_label_value_or_no_variable_stays():
    unchanged = 'label_replace(x, "a", "$1", "b", "(.*)") # $service'

    assert bind(unchanged, scope("v")) == unchanged
    assert bind('x{a=~"b.*$"}', scope("v")) == 'x{a=~"b.*$"}'
    with pytest.raises(CannotBind, match=r"\$other"):
        bind('x{a="$other"}', scope("v"))
    with pytest.raises(CannotBind, match="no value"):
        bind('x{a="$service"}', scope())


def test_a_title_names_what_is_chosen():
    assert bind_text("p95 of $service, $5", scope("a", "b")) == "p95 of a, b, $5"
    assert bind_text("p95 of ${service}", scope(ALL)) == "p95 of all"


@given(value=texts)
@example(value='a" OR is:closed OR "')
def test_a_search_takes_any_value_as_one_word(value):
    bound = bind_search("service:$service", scope(value))
    tokens = read_tokens(bound)

    assert len(tokens) == 1
    assert [each.text for each in tokens[0].values] == [value]
