import json

import pytest
from pydantic import ValidationError

from telemetry.calls import CallEdge, Party
from telemetry.promql.asking import ask
from telemetry.promql.rendering import of_moment
from telemetry.reported_calls import (
    Metrics,
    from_istio,
    from_jaeger,
    from_service_graph,
    istio_questions,
    service_graph_questions,
)
from tests.telemetry.promql.memory_store import MemoryStore

AT = 1_790_000_000.0


def vector(*samples):
    return [{"metric": labels, "value": [AT, value]} for labels, value in samples]


def names(edges):
    return {(edge.caller, edge.callee): (edge.calls, edge.errors, edge.p95_ms) for edge in edges}


def test_jaeger_counts_calls_and_nothing_else():
    answer = {
        "data": [
            {"parent": "web", "child": "shop", "callCount": 99},
            {"parent": "web", "child": "web", "callCount": 5},
        ],
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": None,
    }

    edges = from_jaeger(answer)

    assert edges == [CallEdge(Party("web"), Party("shop"), 99, 0, None, pytest.approx(0.495))]


def test_jaeger_without_any_calls_has_no_edges():
    assert from_jaeger({"data": None, "errors": None}) == []


def test_a_service_graph_tells_services_databases_and_strangers_apart():
    shop = {"client": "web", "server": "shop"}
    rows = {**shop, "server": "rows", "connection_type": "database"}
    partner = {**shop, "server": "partner.example", "connection_type": "virtual_node"}
    browser = {"client": "user", "server": "web", "connection_type": "virtual_node"}
    answers = Metrics(
        calls=vector((shop, "100.4"), (rows, "50"), (partner, "10"), (browser, "7")),
        errors=vector((shop, "4.8")),
        p95_ms=vector((shop, "120"), (rows, "NaN")),
    )

    assert names(from_service_graph(answers)) == {
        (Party("web"), Party("shop")): (100, 5, 120.0),
        (Party("web"), Party("rows", "database")): (50, 0, None),
        (Party("web"), Party("partner.example", "external")): (10, 0, None),
        (Party("user", "external"), Party("web")): (7, 0, None),
    }


def test_an_edge_without_a_whole_call_is_none():
    answers = Metrics(vector(({"client": "web", "server": "shop"}, "0.3")), [], [])

    assert from_service_graph(answers) == []


def istio(reporter, caller, callee, host=""):
    return {
        "reporter": reporter,
        "source_canonical_service": caller,
        "destination_canonical_service": callee,
        "destination_service_name": host or callee,
    }


def test_a_call_that_both_proxies_report_counts_once_and_convinces_more():
    answers = Metrics(
        calls=vector(
            (istio("source", "web", "shop"), "40"),
            (istio("destination", "web", "shop"), "38"),
            (istio("destination", "old", "shop"), "40"),
        ),
        errors=vector((istio("source", "web", "shop"), "3")),
        p95_ms=vector(
            (istio("source", "web", "shop"), "25.5"), (istio("destination", "web", "shop"), "20")
        ),
    )

    edges = from_istio(answers)

    assert names(edges) == {
        (Party("old"), Party("shop")): (40, 0, None),
        (Party("web"), Party("shop")): (40, 3, 25.5),
    }
    assert edges[0].confidence * 2 == pytest.approx(edges[1].confidence)


def test_istio_hosts_outside_the_mesh_are_external_and_unknown_callers_are_left_out():
    answers = Metrics(
        calls=vector(
            (istio("source", "web", "unknown", "pay.example"), "9"),
            (istio("source", "web", "unknown", "PassthroughCluster"), "9"),
            (istio("destination", "unknown", "shop"), "9"),
        ),
        errors=[],
        p95_ms=[],
    )

    assert set(names(from_istio(answers))) == {(Party("web"), Party("pay.example", "external"))}


@pytest.mark.parametrize("answer", [{"data": [{"parent": "a"}]}, [], {"data": "no"}])
def test_a_jaeger_answer_of_another_shape_is_refused(answer):
    with pytest.raises(ValidationError):
        from_jaeger(answer)


@pytest.mark.parametrize("result", ["no", [{"metric": {}, "value": [1]}], [{"value": [1, "2"]}]])
def test_a_metric_answer_of_another_shape_is_refused(result):
    with pytest.raises(ValidationError):
        from_istio(Metrics(result, [], []))


def answered(store, questions):
    """As a Prometheus would answer the questions, whose answers the functions read."""
    at_ms = 600_000
    answers = [of_moment(ask(store, question, at_ms=at_ms), at_ms) for question in questions]
    return Metrics(*(json.loads(json.dumps(answer["result"])) for answer in answers))


def count(store, name, labels, per_minute):
    times = range(0, 600_001, 60_000)
    store.add({"__name__": name, **labels}, times, [per_minute * n for n in range(len(times))])


def test_istio_questions_count_a_failed_call_once_however_it_failed():
    store = MemoryStore()
    codes = [("200", "0", 90), ("200", "14", 4), ("503", "", 3), ("503", "14", 2), ("0", "", 1)]
    for code, grpc, calls in codes:
        told = {**istio("source", "web", "shop"), "response_code": code}
        count(store, "istio_requests_total", {**told, "grpc_response_status": grpc}, calls)
    for bound, calls in [("10", 80), ("100", 100), ("+Inf", 100)]:
        told = {**istio("source", "web", "shop"), "le": bound}
        count(store, "istio_request_duration_milliseconds_bucket", told, calls)

    edges = from_istio(answered(store, istio_questions(300)))

    assert names(edges) == {(Party("web"), Party("shop")): (500, 50, pytest.approx(77.5))}


def test_service_graph_questions_give_calls_errors_and_milliseconds():
    store = MemoryStore()
    told = {"client": "web", "server": "shop", "pod": "a"}
    count(store, "traces_service_graph_request_total", told, 60)
    count(store, "traces_service_graph_request_failed_total", told, 6)
    for bound, calls in [("0.1", 30), ("0.2", 60), ("+Inf", 60)]:
        bucket = {**told, "le": bound}
        count(store, "traces_service_graph_request_client_seconds_bucket", bucket, calls)

    edges = from_service_graph(answered(store, service_graph_questions(300)))

    assert names(edges) == {(Party("web"), Party("shop")): (300, 30, pytest.approx(190.0))}
