"""Jaeger and Tempo, by recorded answers."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.calls import Party
from telemetry.intake.otlp_body import parse
from telemetry.records import Link
from telemetry.sources.base import SourceFailed, Stretch
from telemetry.store.spans import TraceQuery
from tests.telemetry.sources.conftest import Opened
from tests.telemetry.sources.recorded import ANSWERS, Recorded, Reply

START_NS, END_NS = 1_795_350_000 * 10**9, 1_795_350_060 * 10**9
STRETCH = Stretch(START_NS // 10**6, END_NS // 10**6)
TRACE_ID = "00f2b1c0d3e4a5968778695a4b3c2d1e"


def query(**facts):
    return TraceQuery(START_NS, END_NS, **facts)


@pytest.fixture
def jaeger(opened: Opened, recorded: Recorded):
    for path in ("/api/traces", "/api/traces/3af2a5e1b0c94d5f"):
        recorded.give_recorded(path, "jaeger/traces.json")
    for name in ("services", "dependencies"):
        recorded.give_recorded(f"/api/{name}", f"jaeger/{name}.json")
    return lambda: opened("jaeger", recorded.url)


@pytest.fixture
def tempo(opened: Opened, recorded: Recorded):
    recorded.give_recorded("/api/search", "tempo/search.json")
    recorded.give_recorded("/api/search/tag/service.name/values", "tempo/tag_values.json")
    return lambda: opened("tempo", recorded.url)


async def test_jaeger_s_traces_are_summed_up(jaeger):
    (found,) = await jaeger().traces(query(service="frontend"), 20)

    assert (found.root_service, found.root_name) == ("frontend", "HTTP GET /dispatch")
    assert (found.span_count, found.error_count) == (2, 1)
    assert found.duration_ns == 700_100_000
    assert found.services == ("frontend", "customer")


async def test_jaeger_is_asked_for_what_was_meant(jaeger, recorded: Recorded):
    await jaeger().traces(
        query(
            service="frontend",
            operation="HTTP GET",
            least_ns=5_000_000,
            most_ns=9_000_000,
            only_errors=True,
            attributes={"http.route": "/x"},
        ),
        500,
    )

    assert recorded.asked[0].params == {
        "service": "frontend",
        "operation": "HTTP GET",
        "start": str(START_NS // 1000),
        "end": str(END_NS // 1000),
        "limit": "100",
        "minDuration": "5000us",
        "maxDuration": "9000us",
        "tags": '{"http.route":"/x","error":"true"}',
    }


async def test_jaeger_needs_a_service_and_says_so(jaeger, recorded: Recorded):
    with pytest.raises(SourceFailed, match="choose one") as told:
        await jaeger().traces(query(), 20)

    assert told.value.is_about_question
    assert recorded.asked == []


async def test_jaeger_s_spans_keep_parents_links_kinds_and_events(jaeger):
    root, child = await jaeger().trace("3af2a5e1b0c94d5f")

    assert (root.kind, root.parent_id, root.service) == ("server", "", "frontend")
    assert root.attributes["http.status_code"] == "200"
    assert root.resource == {"hostname": "a"}
    assert root.events[0].name == "HTTP request received"
    assert root.events[0].attributes == {"level": "info"}
    assert (child.kind, child.parent_id, child.is_error) == ("client", root.span_id, True)
    assert child.links == (Link("aaaa", "bbbb"),)
    assert child.start_ns == 1_795_350_000_100_000_000


async def test_a_trace_that_jaeger_does_not_know_is_empty(jaeger, recorded: Recorded):
    body = (ANSWERS / "jaeger/not_found.json").read_bytes()
    recorded.give("/api/traces/ffff", Reply(body, 404))

    assert await jaeger().trace("ffff") == []


@pytest.mark.parametrize("trace_id", ["../services", "", "a/b", "zz", "0" * 33])
@pytest.mark.parametrize("kind", ["jaeger", "tempo", "datadog"])
async def test_what_is_no_id_of_a_trace_is_not_asked_for(
    opened: Opened, recorded: Recorded, kind: str, trace_id: str
):
    assert await opened(kind, recorded.url).trace(trace_id) == []
    assert recorded.asked == []


async def test_jaeger_says_what_it_cannot_read(jaeger, recorded: Recorded):
    body = (ANSWERS / "jaeger/bad_request.json").read_bytes()
    recorded.give("/api/traces", Reply(body, 400))

    with pytest.raises(SourceFailed, match="It says: malformed 'tags' parameter"):
        await jaeger().traces(query(service="x"), 1)


async def test_jaeger_s_dependencies_are_calls(jaeger, recorded: Recorded):
    customer, driver = await jaeger().edges(STRETCH)

    assert (customer.caller, customer.callee, customer.calls) == (
        Party("frontend"),
        Party("customer"),
        12,
    )
    assert driver.calls == 7
    assert recorded.asked[0].params == {"endTs": str(STRETCH.end_ms), "lookback": "60000"}


@pytest.mark.parametrize("body", [b'{"data": [{"parent": "a"}]}', b"7", b'{"data": {"a": 1}}'])
async def test_dependencies_of_another_shape_are_a_failure(jaeger, recorded: Recorded, body: bytes):
    recorded.give("/api/dependencies", Reply(body))

    with pytest.raises(SourceFailed):
        await jaeger().edges(STRETCH)


async def test_jaeger_tells_how_many_services_it_knows(jaeger):
    assert await jaeger().check() == "Jaeger, with 3 services"
    assert await jaeger().services(STRETCH) == ["customer", "driver", "frontend"]


async def test_tempo_s_traces_are_summed_up_newest_first(tempo):
    newest, older = await tempo().traces(query(), 20)

    assert newest.trace_id == "aa".zfill(32)
    assert older.trace_id == TRACE_ID
    assert (older.span_count, older.error_count) == (3, 1)
    assert older.services == ("gateway", "checkout")
    assert older.duration_ns == 557_000_000


async def test_tempo_is_asked_in_its_own_language(tempo, recorded: Recorded):
    await tempo().traces(
        query(
            service='a"b',
            operation="GET",
            least_ns=5,
            most_ns=9,
            only_errors=True,
            attributes={"http.route": "/x"},
        ),
        20,
    )

    assert recorded.asked[0].params["q"] == (
        '{ resource.service.name = "a\\"b" && name = "GET" && duration >= 5ns && '
        'duration <= 9ns && status = error && span.http.route = "/x" }'
    )


async def test_tempo_s_trace_is_read_from_protobuf_however_old(tempo, recorded: Recorded):
    told = parse(ExportTraceServiceRequest, (ANSWERS / "tempo/trace.json").read_bytes(), "json")
    recorded.give(f"/api/traces/{TRACE_ID}", Reply(told.SerializeToString()))

    root, child = await tempo().trace(TRACE_ID)

    assert recorded.asked[0].headers["accept"] == "application/protobuf"
    assert (root.name, root.kind, root.trace_id) == ("GET /checkout", "server", TRACE_ID)
    assert (child.parent_id, child.is_error, child.status_message) == (
        root.span_id,
        True,
        "refused",
    )


async def test_a_trace_that_is_no_protobuf_is_a_failure(tempo, recorded: Recorded):
    recorded.give("/api/traces/ffff", Reply(b'{"batches": []}'))

    with pytest.raises(SourceFailed, match="not the protobuf"):
        await tempo().trace("ffff")


async def test_a_trace_that_tempo_does_not_know_is_empty(tempo):
    assert await tempo().trace("ffff") == []


async def test_tempo_names_its_services(tempo):
    assert await tempo().services(STRETCH) == ["checkout", "gateway"]
    assert await tempo().check() == "Tempo, with 2 services"


async def test_tempo_says_what_it_cannot_read(tempo, recorded: Recorded):
    recorded.give("/api/search", Reply(b"invalid TraceQL query: parse error at line 1", 400))

    with pytest.raises(SourceFailed, match="It says: invalid TraceQL query"):
        await tempo().traces(query(), 1)
