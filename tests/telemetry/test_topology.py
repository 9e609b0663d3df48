import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.topology import blast_radius, dependants, dependencies, distance, lay_out

SHOP = [
    ("gateway", "catalog"),
    ("gateway", "checkout"),
    ("checkout", "payments"),
    ("checkout", "store"),
    ("catalog", "store"),
]
graphs = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")), max_size=20)


def columns(drawing):
    return {node.name: node.column for node in drawing.nodes}


def test_dependencies_and_dependants_are_near_and_far():
    assert dependencies("gateway", SHOP) == {"catalog", "checkout", "payments", "store"}
    assert dependants("store", SHOP) == {"catalog", "checkout", "gateway"}
    assert dependencies("unheard-of", SHOP) == set()


def test_distance_counts_calls_one_way():
    assert distance("gateway", "store", SHOP) == 2
    assert distance("gateway", "gateway", SHOP) == 0
    assert distance("store", "gateway", SHOP) is None


def test_blast_radius_goes_from_direct_callers_outwards():
    assert blast_radius("store", SHOP) == [{"catalog", "checkout"}, {"gateway"}]
    assert blast_radius("gateway", SHOP) == []


def test_a_service_in_a_cycle_is_not_its_own_dependant():
    cycle = [("a", "b"), ("b", "a")]

    assert dependants("a", cycle) == {"b"}
    assert blast_radius("a", cycle) == [{"b"}]


def test_callers_are_drawn_left_of_what_they_call():
    drawing = lay_out([], SHOP)

    assert columns(drawing) == {
        "gateway": 0,
        "catalog": 1,
        "checkout": 1,
        "payments": 2,
        "store": 2,
    }
    assert not any(arrow.is_back for arrow in drawing.arrows)


def test_the_longest_path_decides_the_column():
    drawing = lay_out([], [("a", "b"), ("b", "c"), ("a", "c")])

    assert columns(drawing) == {"a": 0, "b": 1, "c": 2}


def test_the_arrow_that_closes_a_cycle_is_marked_and_bends_nothing():
    drawing = lay_out([], [("entry", "a"), ("a", "b"), ("b", "a")])

    assert columns(drawing) == {"entry": 0, "a": 1, "b": 2}
    assert [(x.source, x.target) for x in drawing.arrows if x.is_back] == [("b", "a")]


def test_services_without_calls_are_drawn_too():
    drawing = lay_out(["alone"], [])

    assert [(node.name, node.column, node.row) for node in drawing.nodes] == [("alone", 0, 0)]


@pytest.mark.usefixtures("untraced")
def test_a_very_long_chain_is_no_problem():
    chain = [(f"s{n}", f"s{n + 1}") for n in range(5000)]

    assert max(columns(lay_out([], chain)).values()) == 5000


@given(graphs)
def test_any_graph_has_one_place_a_service_and_forward_arrows_to_the_right(edges):
    drawing = lay_out(["a"], edges)

    places = [(node.column, node.row) for node in drawing.nodes]
    at = columns(drawing)
    assert len(set(places)) == len(places) == len(at)
    assert set(at) == {"a"} | {name for edge in edges for name in edge}
    assert all(at[x.source] < at[x.target] for x in drawing.arrows if not x.is_back)


@given(graphs)
def test_equal_graphs_are_drawn_equally_whatever_their_order(edges):
    assert lay_out([], edges) == lay_out([], list(reversed(edges)))


@given(graphs)
def test_dependants_mirror_dependencies(edges):
    for one in "abcdefg":
        assert all(one in dependants(other, edges) for other in dependencies(one, edges))
