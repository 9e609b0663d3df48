import pytest

from telemetry.calls import CallEdge, Party
from telemetry.topology_changes import difference


def edge(caller, callee, calls=100, errors=0, p95_ms=50.0):
    return CallEdge(Party(caller), Party(callee), calls, errors, p95_ms, confidence=0.9)


def test_edges_that_came_and_went_are_told_apart_from_those_that_stayed():
    stayed, went, came = edge("web", "shop"), edge("web", "old"), edge("web", "new")

    found = difference([stayed, went], [came, stayed])

    assert (found.added, found.removed, found.changed) == ((came,), (went,), ())


@pytest.mark.parametrize(
    ("after", "what"),
    [
        ({"calls": 200}, ("traffic",)),
        ({"calls": 50}, ("traffic",)),
        ({"calls": 199}, ()),
        ({"errors": 5}, ("errors",)),
        ({"errors": 4}, ()),
        ({"p95_ms": 100.0}, ("duration",)),
        ({"p95_ms": 25.0}, ("duration",)),
        ({"p95_ms": None}, ()),
        ({"calls": 300, "errors": 60, "p95_ms": 500.0}, ("traffic", "errors", "duration")),
        ({"calls": 4, "errors": 4, "p95_ms": 500.0}, ("traffic",)),
    ],
)
def test_a_changed_edge_says_what_changed(after, what):
    found = difference([edge("web", "shop")], [edge("web", "shop", **after)])

    assert tuple(each.what for each in found.changed) == ((what,) if what else ())


def test_a_few_calls_more_or_less_are_no_change():
    assert difference([edge("a", "b", calls=2)], [edge("a", "b", calls=19)]).changed == ()


def test_a_queue_and_a_service_of_one_name_are_two():
    service = edge("web", "orders")
    queue = service._replace(callee=Party("orders", "queue"))

    found = difference([service], [queue])

    assert (found.added, found.removed) == ((queue,), (service,))
