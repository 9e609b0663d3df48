from hypothesis import given
from hypothesis import strategies as st

from telemetry.topology import dependencies
from telemetry.weak_points import critical_path, cycles, entries, single_points_of_failure

names = st.sampled_from("abcdefgh")
graphs = st.lists(st.tuples(names, names), max_size=25)
SHOP = [
    ("web", "gateway"),
    ("gateway", "catalog"),
    ("gateway", "checkout"),
    ("checkout", "payments"),
    ("catalog", "store"),
    ("checkout", "store"),
    ("mobile", "checkout"),
]


def reached(starts, edges, *, without=""):
    inner = [edge for edge in edges if without not in edge]
    return {name for start in starts for name in {start, *dependencies(start, inner)}} - {without}


def test_services_that_need_each_other_are_a_cycle():
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("e", "f")]

    assert cycles(edges) == [["a", "b", "c"], ["d", "e"]]
    assert cycles(SHOP) == []


def test_calls_enter_where_nobody_calls_or_at_a_cycle_nobody_calls():
    assert entries(SHOP) == ["mobile", "web"]
    assert entries([("a", "b"), ("b", "a"), ("b", "c")]) == ["a", "b"]


def test_what_every_critical_service_needs_or_others_are_reached_through_is_a_single_point():
    found = single_points_of_failure(SHOP, entries(SHOP))

    assert [(each.service, sorted(each.hurts), sorted(each.cuts_off)) for each in found] == [
        ("checkout", ["mobile", "web"], ["payments"]),
        ("payments", ["mobile", "web"], []),
        ("store", ["mobile", "web"], []),
        ("web", ["web"], ["catalog", "gateway"]),
        ("gateway", ["web"], ["catalog"]),
    ]


def test_what_one_critical_service_needs_is_not_everybodys():
    found = single_points_of_failure(SHOP, ["gateway"])

    assert {each.service for each in found} == {"web", "gateway", "checkout"}


def test_the_critical_path_follows_what_is_waited_for_longest():
    p95_ms = {("web", "shop"): 90.0, ("web", "ads"): 20.0, ("shop", "rows"): 70.0, ("ads", "x"): 99}

    assert critical_path("web", p95_ms) == ["web", "shop", "rows"]
    assert critical_path("rows", p95_ms) == ["rows"]


def test_the_critical_path_ends_in_a_cycle_too():
    assert critical_path("a", {("a", "b"): 1.0, ("b", "a"): 9.0, ("b", "c"): 1.0}) == [
        "a",
        "b",
        "c",
    ]


def test_a_very_long_chain_with_a_cycle_at_its_end_is_no_problem():
    chain = [(f"s{n}", f"s{n + 1}") for n in range(1000)] + [("s1000", "s999")]

    assert cycles(chain) == [["s1000", "s999"]]
    assert len(single_points_of_failure(chain, ["s0"])) == 1000


@given(graphs)
def test_services_share_a_cycle_when_each_is_reached_from_the_other(edges):
    together = {(a, b) for group in cycles(edges) for a in group for b in group if a != b}

    assert together == {
        (a, b) for a in "abcdefgh" for b in dependencies(a, edges) if a in dependencies(b, edges)
    }


@given(graphs)
def test_cut_off_is_what_no_entry_reaches_once_the_service_is_gone(edges):
    starts = entries(edges)
    everything = reached(starts, edges)

    found = {each.service: each.cuts_off for each in single_points_of_failure(edges, starts)}

    for name in everything:
        left = reached([start for start in starts if start != name], edges, without=name)
        assert found.get(name, set()) == everything - left - {name}


@given(graphs)
def test_every_service_is_reached_from_an_entry(edges):
    assert reached(entries(edges), edges) == {name for edge in edges for name in edge}
