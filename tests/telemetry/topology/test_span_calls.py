from dataclasses import replace
from random import Random

import pytest

from telemetry.calls import Party, tally
from telemetry.records import Link
from telemetry.span_calls import find_calls
from tests.telemetry.topology.made_spans import MINUTE, MS, SECOND, Shop, span

LONG = 100 * MINUTE


def edges(*spans, start_ns=0, end_ns=LONG):
    return {
        (edge.caller.name, edge.callee.name): edge
        for edge in tally(find_calls(spans, start_ns, end_ns))
    }


def window_by_window(spans, minutes):
    """As a task would ask each minute, with a minute's spans on both sides."""
    for number in range(minutes):
        start, end = number * MINUTE, (number + 1) * MINUTE
        near = [each for each in spans if start - MINUTE <= each.start_ns < end + MINUTE]
        yield from find_calls(near, start, end)


@pytest.fixture(scope="module", params=[1, 2])
def shop(request):
    shop = Shop(Random(request.param), services=14, missing_kinds=0.15)  # noqa: S311 (a known shop)
    shop.serve(120, during_ns=5 * MINUTE)
    return shop


def test_known_calls_are_found_exactly_however_their_spans_arrive(shop):
    arrived = [each for batch in shop.batches() for each in batch]

    found = tally(window_by_window(arrived, minutes=9))

    assert len(found) >= 30
    assert {(edge.caller, edge.callee): edge.calls for edge in found} == shop.calls
    assert {party.kind for edge in found for party in edge[:2]} == {
        "service",
        "database",
        "queue",
        "external",
    }


def test_calls_stay_within_two_in_a_hundred_or_a_single_one_when_callees_lose_spans(shop):
    is_lost = Random(7)  # noqa: S311 (the same each time)
    arrived = [each for each in shop.spans if each.kind != "server" or is_lost.random() > 0.05]

    found = tally(window_by_window(arrived, minutes=9))

    assert len(arrived) < len(shop.spans) * 0.995
    assert {(edge.caller, edge.callee) for edge in found} == set(shop.calls)
    for edge in found:
        assert edge.calls == pytest.approx(shop.calls[edge.caller, edge.callee], rel=0.02, abs=1)


def test_errors_and_durations_of_a_call_are_those_of_the_caller():
    root = span("web", "root")
    clients = [
        span("web", f"ask-{n}", "client", parent=root, duration_ns=n * MS, is_error=n > 18)
        for n in range(1, 21)
    ]
    servers = [span("shop", f"answer-{n}", parent=each) for n, each in enumerate(clients)]

    edge = edges(root, *clients, *servers)["web", "shop"]

    assert (edge.calls, edge.errors) == (20, 2)
    assert edge.p95_ms == pytest.approx(19.05)


def test_both_sides_convince_more_than_one_and_many_calls_more_than_one():
    root = span("web", "root")
    heard = [span("web", f"ask-{n}", "client", parent=root) for n in range(9)]
    answers = [span("shop", f"answer-{n}", parent=each) for n, each in enumerate(heard)]
    told = {"db.system": "redis", "server.address": "cache"}
    alone = [span("web", f"get-{n}", "client", parent=root, attributes=told) for n in range(9)]

    found = edges(root, *heard, *answers, *alone)

    assert found["web", "shop"].confidence == pytest.approx(0.9)
    assert found["web", "cache (redis)"].confidence == pytest.approx(0.45)
    assert edges(root, heard[0], answers[0])["web", "shop"].confidence == pytest.approx(0.5)


def test_a_call_over_the_border_of_two_windows_counts_once():
    client = span("web", "ask", "client", start_ns=MINUTE - MS)
    server = span("shop", "answer", parent=client, start_ns=MINUTE + MS)

    assert edges(client, server, end_ns=MINUTE) == {}
    assert edges(client, server, start_ns=MINUTE, end_ns=2 * MINUTE)["web", "shop"].calls == 1


def test_a_retry_below_one_client_span_is_one_call():
    client = span("web", "ask", "client")
    tries = [span("shop", f"answer-{n}", parent=client) for n in range(3)]

    assert edges(client, *tries)["web", "shop"].calls == 1


def test_client_spans_within_each_other_are_one_call():
    library = span("web", "sdk", "client", attributes={"server.address": "api.partner.example"})
    transport = replace(library, span_id="http", parent_id=library.span_id)

    assert edges(library, transport)["web", "api.partner.example"].calls == 1


def test_the_transport_below_a_database_call_is_no_other_call():
    query = span("web", "search", "client", attributes={"db.system": "opensearch"})
    transport = span(
        "web", "http", "client", parent=query, attributes={"server.address": "search.example"}
    )

    assert set(edges(query, transport)) == {("web", "opensearch")}


@pytest.mark.parametrize(
    ("attributes", "name", "kind"),
    [
        ({"db.system": "mysql", "db.name": "shop"}, "shop (mysql)", "database"),
        (
            {"db.system.name": "postgresql", "db.namespace": "a", "server.address": "db.example"},
            "db.example/a (postgresql)",
            "database",
        ),
        (
            {"db.system.name": "postgresql", "db.namespace": "a", "server.address": "10.0.0.7"},
            "a (postgresql)",
            "database",
        ),
        (
            {"db.system": "redis", "db.namespace": "0", "net.peer.name": "Cache."},
            "cache (redis)",
            "database",
        ),
        ({"url.full": "https://pay.example/v1?key=x"}, "pay.example", "external"),
        ({"peer.service": "partner", "server.address": "10.1.1.1"}, "partner", "external"),
    ],
)
def test_what_has_no_telemetry_is_named_by_its_callers(attributes, name, kind):
    call = span("web", "ask", "client", attributes=attributes)

    (edge,) = tally(find_calls([call], 0, LONG))

    assert edge.callee == Party(name, kind)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"server.address": "localhost"},
        {"server.address": "127.0.0.1"},
        {"server.address": "::1"},
        {"url.full": "http://[bad"},
    ],
)
def test_a_peer_that_is_not_told_makes_no_edge(attributes):
    assert edges(span("web", "ask", "client", attributes=attributes)) == {}


@pytest.mark.parametrize("address", ["shop", "shop.prod.svc.cluster.local", "shop.internal"])
def test_an_address_of_a_service_that_sends_telemetry_is_that_service(address):
    call = span("web", "ask", "client", attributes={"server.address": address})
    elsewhere = span("shop", "other")

    (edge,) = edges(call, elsewhere).values()

    assert edge.callee == Party("shop")


def test_a_stranger_whose_name_begins_like_a_service_is_a_stranger():
    call = span("web", "ask", "client", attributes={"server.address": "shop.partner.example"})

    (edge,) = edges(call, span("shop", "other")).values()

    assert edge.callee == Party("shop.partner.example", "external")


def test_behind_an_address_of_several_services_nobody_is_guessed():
    told = {"server.address": "gateway.example"}
    asked = [span("web", f"ask-{n}", "client", attributes=told) for n in range(3)]
    answers = [span("shop", "a", parent=asked[0]), span("stock", "b", parent=asked[1])]

    found = edges(*asked, *answers)

    assert {key: edge.calls for key, edge in found.items()} == {
        ("web", "shop"): 1,
        ("web", "stock"): 1,
    }


def queue_span(service, name, kind, operation, **changes):
    told = {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.operation.type": operation,
    }
    return span(service, name, kind, attributes=told, **changes)


def test_a_message_received_and_processed_is_delivered_once():
    sent = [queue_span("web", f"send-{n}", "producer", "send") for n in range(3)]
    links = tuple(Link(each.trace_id, each.span_id) for each in sent)
    received = queue_span("mailer", "poll", "client", "receive", links=links)
    processed = [
        queue_span("mailer", f"mail-{n}", "consumer", "process", parent=received, links=(link,))
        for n, link in enumerate(links)
    ]

    found = edges(*sent, received, *processed)

    assert {key: edge.calls for key, edge in found.items()} == {
        ("web", "orders (kafka)"): 3,
        ("orders (kafka)", "mailer"): 3,
    }


def test_messages_of_unknown_origin_are_delivered_by_their_queue():
    received = queue_span("mailer", "poll", "client", "receive")
    processed = [
        queue_span("mailer", f"mail-{n}", "consumer", "process", parent=received) for n in range(4)
    ]

    found = edges(received, *processed)

    assert {key: edge.calls for key, edge in found.items()} == {("orders (kafka)", "mailer"): 4}


def test_without_a_queue_name_the_producer_calls_the_consumer():
    sent = span("web", "send", "producer")
    taken = span("mailer", "mail", "consumer", parent=sent)

    assert set(edges(sent, taken)) == {("web", "mailer")}


def test_a_batch_is_counted_by_the_spans_that_made_its_messages():
    made = [queue_span("web", f"make-{n}", "producer", "create") for n in range(3)]
    links = tuple(Link(each.trace_id, each.span_id) for each in made)
    batch = queue_span("web", "send", "client", "send", links=links)

    assert edges(*made, batch)["web", "orders (kafka)"].calls == 3


@pytest.mark.parametrize(
    ("kind", "operation"), [("producer", "send"), ("client", "receive"), ("client", "settle")]
)
def test_how_messages_travel_is_no_call_of_its_own(kind, operation):
    about = queue_span("web", "message", kind, operation)
    told = {"server.address": "queues.cloud.example"}
    transport = span("web", "http", "client", parent=about, attributes=told)
    alone = replace(about, span_id="alone", attributes={**about.attributes, **told})

    found = edges(about, transport, alone)

    assert all("orders (kafka)" in names for names in found)


def test_reply_queues_that_live_for_one_client_are_one_queue():
    told = {"messaging.destination.temporary": "true", "messaging.system": "rabbitmq"}
    sent = [
        span("web", f"{n}", "producer", attributes={**told, "messaging.destination.name": f"q{n}"})
        for n in range(3)
    ]

    assert edges(*sent)["web", "temporary (rabbitmq)"].calls == 3


def test_a_span_sent_twice_and_a_parent_that_is_missing_spoil_nothing():
    client = span("web", "ask", "client")
    server = span("shop", "answer", parent=client)
    orphan = span("shop", "orphan", parent_id="gone", start_ns=2 * SECOND)

    assert edges(server, client, orphan, client, server)["web", "shop"].calls == 1
