"""What the shop tells over OTLP besides metrics: spans of whole traces, errors, and log records."""

import logging
from http.client import HTTPConnection

from opentelemetry.trace import StatusCode

from aiops_site.estate.layout import Fault
from aiops_site.estate.logexport import LogExport
from aiops_site.estate.tracing import WHOLE_ONE_IN, Tracer
from tests.estate.console_edge import wait_for

WHOLE = f"{WHOLE_ONE_IN * 7:032x}"
OTHER = f"{WHOLE_ONE_IN * 7 + 1:032x}"
ERROR = StatusCode.ERROR.value


def ask(server, path, trace_id):
    """As somebody whose span belongs to a trace."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=3)
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def spans_of(console, trace_id):
    return [(name, s) for name, s in list(console.spans) if s.trace_id.hex() == trace_id]


def test_a_whole_trace_goes_through_the_shop_and_ends_where_nobody_tells(serve, console):
    serve("store")
    serve("payments")
    checkout = serve("checkout")

    ask(checkout, "/orders", WHOLE)

    assert wait_for(lambda: len(spans_of(console, WHOLE)) == 5, 5)
    told = {(name, span.name, span.kind): span for name, span in spans_of(console, WHOLE)}
    server = told["checkout", "GET /orders", 2]
    to_payments = told["checkout", "GET /charges", 3]
    in_payments = told["payments", "GET /charges", 2]
    to_ledger = told["payments", "GET /ledger", 3]
    assert to_payments.parent_span_id == server.span_id
    assert in_payments.parent_span_id == to_payments.span_id
    assert to_ledger.parent_span_id == in_payments.span_id
    peers = {a.key: a.value.string_value for a in to_ledger.attributes}
    assert peers["peer.service"] == "store"
    assert "store" not in {name for name, _ in console.spans}


def test_of_other_traces_only_the_parts_that_failed_are_told(serve, console):
    store = serve("store")
    catalog = serve("catalog")
    assert ask(catalog, "/items", OTHER) == 200
    store.shop.symptoms.start(Fault.DEPENDENCY)

    assert ask(catalog, "/items", OTHER) == 502

    assert wait_for(lambda: len(spans_of(console, OTHER)) == 2, 5)
    assert {span.status.code for _, span in spans_of(console, OTHER)} == {ERROR}


def test_log_lines_carry_the_trace_and_information_is_told_of_whole_traces_only(console):
    origin = {"service": "store", "instance": "i", "console_url": console.url, "token": "m"}
    tracer, export = Tracer(**origin, is_silent=True), LogExport(**origin)
    log = logging.getLogger("aiops_site.estate.test")
    log.setLevel(logging.INFO)
    log.addHandler(export)
    for trace_id in (WHOLE, OTHER):
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        with tracer.serving("/stock", headers):
            log.info("request served", extra={"fields": {"path": "/stock", "status": 200}})
            log.error("request failed", extra={"fields": {"error": "disk: gone"}})

    log.removeHandler(export)
    export.close()
    tracer.shutdown()

    told = [(r.body.string_value, r.trace_id.hex(), r.severity_number) for _, r in console.logs]
    assert told == [
        ("request served /stock 200", WHOLE, 9),
        ("request failed: disk: gone", WHOLE, 17),
        ("request failed: disk: gone", OTHER, 17),
    ]
    attributes = {a.key: a.value.string_value for a in console.logs[0][1].attributes}
    assert attributes == {"path": "/stock", "status": "200"}
