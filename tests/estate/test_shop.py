"""One service in this process, called as its peers, the prober and the console call it."""

import random
import socket
import time
from http.client import HTTPConnection

from aiops_site.estate import calling, faults, looking, supervisord
from aiops_site.estate.conditions import judge
from aiops_site.estate.layout import DEPENDENCIES, ROUTES, Fault
from aiops_site.estate.metering import Meters
from aiops_site.estate.window import Window


def get(server, path):
    return calling.fetch(server.server_port, path, timeout=3)


def findings(server):
    """What a probe finds, but for memory: this process is a test runner's size."""
    found = judge(server.shop.name, looking.look(server.server_port))
    return {finding.key for finding in found} - {("HighMemory", "")}


def test_an_order_goes_through_payments_and_the_store(serve):
    serve("store")
    serve("payments")
    checkout = serve("checkout")

    assert get(checkout, "/orders") == 200

    assert checkout.shop.report()["dependencies"] == {
        "payments": {"total": 1, "failed_share": 0.0},
        "store": {"total": 1, "failed_share": 0.0},
    }


def test_a_path_of_another_service_is_not_found(serve):
    assert get(serve("store"), "/orders") == 404


def test_an_unreachable_peer_is_a_bad_gateway_and_the_callers_own_report_says_so(serve, shops):
    catalog = serve("catalog")
    shops.ports["store"] = supervisord._free_ports(1)[0]

    statuses = [get(catalog, "/items") for _ in range(8)]

    assert set(statuses) == {502}
    assert findings(catalog) == {("HighErrorRate", ""), ("DependencyDown", "store")}


def test_a_peer_that_never_answers_is_a_gateway_timeout_within_the_callers_time(serve, shops):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shops.ports["store"] = silent.getsockname()[1]
        catalog = serve("catalog")
        started = time.monotonic()

        status = get(catalog, "/items")

    assert status == 504
    assert 1.5 < time.monotonic() - started < 2.9


def test_a_store_without_its_disk_answers_503_and_blames_the_disk(serve):
    store = serve("store")
    store.shop.symptoms.start(Fault.DEPENDENCY)

    statuses = {get(store, "/stock") for _ in range(8)}

    assert statuses == {503}
    assert findings(store) == {("HighErrorRate", ""), ("DependencyDown", "disk")}


def test_half_of_the_requests_of_a_service_with_errors_fail(serve):
    store = serve("store")
    store.shop.symptoms._dice = random.Random(7)  # noqa: S311 - repeatable
    store.shop.symptoms.start(Fault.ERRORS)

    statuses = [get(store, "/stock") for _ in range(40)]

    assert 10 <= statuses.count(500) <= 30


def test_a_caller_tries_once_more_after_a_500(serve):
    store = serve("store")
    catalog = serve("catalog")
    answers = iter([True, False])
    store.shop.symptoms.fails_now = lambda: next(answers)

    assert get(catalog, "/items") == 200


def test_added_latency_reaches_the_probe(serve):
    store = serve("store")

    store.shop.symptoms.start(Fault.LATENCY)

    assert findings(store) == {("HighLatency", "")}


def test_leaked_memory_is_given_back_when_the_leak_is_mended(serve):
    store = serve("store")
    before = store.shop.report()["memory_bytes"]
    store.shop.symptoms.start(Fault.LEAK)
    time.sleep(1.2)
    grown = store.shop.report()["memory_bytes"]

    store.shop.symptoms.clear()

    assert grown - before > 3_000_000
    assert store.shop.report()["memory_bytes"] < grown - 2_000_000


def test_the_switch_turns_faults_on_and_off_for_the_bearer_of_the_token(serve, shops):
    store = serve("store")

    assert faults._switch(shops, "store", "PUT", "latency")
    assert store.shop.symptoms.fault is Fault.LATENCY
    assert not faults._switch(shops, "store", "PUT", "fire")
    assert faults._switch(shops, "store", "DELETE", "")
    assert store.shop.symptoms.fault is None


def test_a_caller_that_hangs_up_does_not_disturb_the_service(serve):
    store = serve("store")
    store.shop.symptoms.start(Fault.LATENCY)
    connection = HTTPConnection("127.0.0.1", store.server_port, timeout=0.1)
    connection.request("GET", "/stock")

    connection.close()

    store.shop.symptoms.clear()
    assert get(store, "/stock") == 200


def test_metrics_of_a_console_that_comes_back_miss_nothing(console):
    meters = Meters(service="store", instance="i", console_url=console.url, token="m")
    for _ in range(5):
        meters.begin()
        meters.end(route="/stock", seconds=0.01, failed=False)
    meters.begin()
    meters.end(route="/stock", seconds=2.0, failed=True)

    meters.shutdown()

    route = (("http.request.method", "GET"), ("http.route", "/stock"))
    assert console.points("store", "http.server.request.duration")[route].count == 6
    assert console.points("store", "shop.requests")[()].as_int == 6
    assert console.points("store", "shop.errors")[()].as_int == 1


def test_the_window_forgets_what_is_older_than_ten_seconds():
    now = [0.0]
    window = Window(clock=lambda: now[0])
    window.add(failed=True)
    now[0] = 6.0
    window.add(failed=False)

    assert window.summary() == {"total": 2, "failed_share": 0.5}
    now[0] = 10.5
    assert window.summary() == {"total": 1, "failed_share": 0.0}


def test_every_call_is_between_a_service_and_one_of_its_dependencies():
    called = {
        name: {peer for calls in routes.values() for peer, _ in calls}
        for name, routes in ROUTES.items()
    }

    assert called == {name: set(peers) for name, peers in DEPENDENCIES.items()}
