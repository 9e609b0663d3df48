"""Spans are kept once and make up the same traces in SQLite and in PostgreSQL."""

import pytest

from telemetry.records import Link, Span, SpanEvent
from telemetry.store import spans
from telemetry.store.spans import TraceQuery, open_spans

MS = 10**6
DAY = TraceQuery(0, 86_400_000 * MS)


def span(trace="t1", number="a", parent="", at=0, took=10, **fields):
    defaults = {"service": "shop", "name": "GET /", "kind": "server", "is_error": False}
    return Span(
        trace_id=trace,
        span_id=number,
        parent_id=parent,
        start_ns=at * MS,
        duration_ns=took * MS,
        **(defaults | fields),
    )


@pytest.fixture
def store(records_url):
    store = open_spans(records_url)
    yield store
    store.close()


def test_a_span_comes_back_as_it_was(store):
    sent = span(
        is_error=True,
        status_message="no answer",
        attributes={"http.route": "/cart"},
        resource={"service.name": "shop", "host.name": "h1"},
        links=(Link("t0", "z"),),
        events=(SpanEvent(5, "exception", {"exception.type": "Timeout"}),),
    )
    store.append([sent])

    assert store.trace("t1") == [sent]


def test_a_span_that_is_sent_twice_is_kept_once(store):
    store.append([span(), span()])
    store.append([span()])

    assert len(store.trace("t1")) == 1


def test_a_trace_is_headed_by_the_span_that_has_no_parent_here(store):
    store.append(
        [
            span(number="b", parent="a", at=2, took=20, service="cart", is_error=True),
            span(number="a", parent="far away", at=1, took=5),
            span(trace="t2", at=50),
        ]
    )

    newest, other = store.find(DAY)

    assert newest.trace_id == "t2"
    assert (other.root_service, other.root_name) == ("shop", "GET /")
    assert (other.start_ns, other.duration_ns) == (1 * MS, 21 * MS)
    assert (other.span_count, other.error_count) == (2, 1)
    assert other.services == ("shop", "cart")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"service": "cart"}, ["t2"]),
        ({"operation": "POST /pay"}, ["t3"]),
        ({"least_ns": 50 * MS}, ["t2"]),
        ({"most_ns": 5 * MS}, ["t3"]),
        ({"only_errors": True}, ["t3"]),
        ({"attributes": {"http.route": "/pay"}}, ["t3"]),
        ({"service": "cart", "only_errors": True}, []),
    ],
)
def test_traces_are_found_by_each_part_of_a_query(store, wanted, found):
    store.append(
        [
            span("t1"),
            span("t2", service="cart", took=70),
            span("t3", name="POST /pay", took=3, is_error=True, attributes={"http.route": "/pay"}),
        ]
    )

    matching = store.find(TraceQuery(DAY.start_ns, DAY.end_ns, **wanted))

    assert [summary.trace_id for summary in matching] == found


def test_forgetting_takes_what_began_before(store, monkeypatch):
    monkeypatch.setattr(spans, "FORGET_A_TURN", 3)
    store.append([span(f"t{at}", at=at) for at in range(10)])

    forgotten = store.forget(8 * MS)

    assert forgotten == 8
    assert [summary.trace_id for summary in store.find(DAY)] == ["t9", "t8"]


def test_spans_of_a_stretch_come_in_order_of_their_start(store):
    store.append([span(number=str(at), at=at) for at in (3, 1, 2)])

    assert [found.span_id for found in store.between(1 * MS, 3 * MS, limit=10)] == ["1", "2"]


def test_services_and_operations_are_those_of_the_stretch(store):
    store.append([span(), span(number="b", service="cart", name="add"), span("t2", at=99)])

    assert store.services(0, 50 * MS) == ["cart", "shop"]
    assert store.operations("cart", 0, 50 * MS) == ["add"]
