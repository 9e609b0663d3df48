from random import Random

from hypothesis import given
from hypothesis import strategies as st

from telemetry.topology import lay_out
from telemetry.untangling import untangle

LEVELS, HIGH = 6, 20


def crossings(columns, edges):
    """Pairs of arrows between the same two columns that cross."""
    at = {name: (x, y) for x, column in enumerate(columns) for y, name in enumerate(column)}
    lines = [(*at[a], *at[b]) for a, b in edges]
    return sum(
        one[0] == other[0] and one[2] == other[2] and one[1] < other[1] and one[3] > other[3]
        for one in lines
        for other in lines
    )


def tangled(random):
    """Neighbours call neighbours, but the rows are shuffled."""
    columns = [[f"{x}-{y:02}" for y in range(HIGH)] for x in range(LEVELS)]
    edges = [
        (f"{x}-{y:02}", f"{x + 1}-{min(HIGH - 1, max(0, y + step)):02}")
        for x in range(LEVELS - 1)
        for y in range(HIGH)
        for step in random.sample((-1, 0, 1), 2)
    ]
    return [random.sample(column, HIGH) for column in columns], edges


def neighbours(edges):
    joined = {}
    for one, other in edges:
        joined.setdefault(one, []).append(other)
        joined.setdefault(other, []).append(one)
    return joined


def test_three_of_four_crossings_go_where_neighbours_call_neighbours():
    columns, edges = tangled(Random(1))  # noqa: S311 (a known drawing)

    ordered = untangle(columns, neighbours(edges))

    assert crossings(ordered, edges) < crossings(columns, edges) / 4


def test_a_drawing_has_its_arrows_untangled():
    drawing = lay_out([], [("a", "z"), ("b", "y"), ("c", "x")])

    rows = {node.name: node.row for node in drawing.nodes}
    assert [rows[name] for name in "abc"] == [rows[name] for name in "zyx"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("vwxyz")), max_size=15))
def test_every_service_stays_in_its_column(edges):
    columns = [list("abc"), list("vwxyz")]

    ordered = untangle(columns, neighbours(edges))

    assert [sorted(column) for column in ordered] == columns
