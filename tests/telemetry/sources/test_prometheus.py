"""Asked in place: a real Prometheus and a real VictoriaMetrics, with the same samples in both."""

import time
from collections.abc import Mapping

import numpy as np
import pytest

from telemetry.calls import Party
from telemetry.sources.base import SourceFailed, Stretch
from tests.telemetry.promql.memory_store import Measured
from tests.telemetry.promql.real_prometheus import RealPrometheus
from tests.telemetry.sources.conftest import Opened

STEP_MS = 15_000
NOW_MS = int(time.time()) // 60 * 60_000
TIMES = NOW_MS - STEP_MS * np.arange(40, -1, -1, dtype=np.int64)
STRETCH = Stretch(int(TIMES[0]), int(TIMES[-1]))
GRAPH = {"client": "gateway", "server": "checkout"}
SERIES: list[tuple[Mapping[str, str], float]] = [
    ({"__name__": "up", "job": "web"}, 0.0),
    ({"__name__": "sold", "service": "checkout"}, 2.0),
    ({"__name__": "sold", "service_name": "catalog"}, 3.0),
    ({"__name__": "traces_service_graph_request_total", **GRAPH}, 4.0),
    ({"__name__": "traces_service_graph_request_failed_total", **GRAPH}, 1.0),
]


@pytest.fixture(scope="session", params=["prometheus", "victoria"])
def server(request: pytest.FixtureRequest) -> RealPrometheus:
    found: RealPrometheus = request.getfixturevalue(request.param)
    found.write([Measured(labels, TIMES, 1 + each * np.arange(41.0)) for labels, each in SERIES])
    _wait_until_found(found)
    return found


def _wait_until_found(server: RealPrometheus) -> None:
    """VictoriaMetrics shows what was written a moment later."""
    until = time.monotonic() + 10
    while not server.ask("sold", NOW_MS)["data"]["result"]:
        assert time.monotonic() < until
        time.sleep(0.1)


async def test_what_answers_there_is_named(server, opened: Opened):
    said = await opened("prometheus", server.url).check()

    assert said.startswith("Prometheus 2.") or said == "It answers as Prometheus does"


async def test_a_query_gives_every_series_at_every_step(server, opened: Opened):
    frames = await opened("prometheus", server.url).metrics("sold", STRETCH, STEP_MS)

    found = {
        dict(labels).get("service") or labels["service_name"]: values.tolist()
        for frame in frames
        for labels, values in zip(frame.labels, frame.values, strict=True)
    }
    assert all((frame.at_ms == TIMES).all() for frame in frames)
    assert found == {
        "checkout": (1 + 2.0 * np.arange(41)).tolist(),
        "catalog": (1 + 3.0 * np.arange(41)).tolist(),
    }


async def test_times_are_steps_from_the_start_wherever_that_is(server, opened: Opened):
    stretch = Stretch(STRETCH.start_ms + 7_000, STRETCH.end_ms)

    (frame,) = await opened("prometheus", server.url).metrics("up", stretch, 40_000)

    assert ((frame.at_ms - stretch.start_ms) % 40_000 == 0).all()


async def test_a_number_that_is_none_comes_as_one(server, opened: Opened):
    (frame,) = await opened("prometheus", server.url).metrics("up / 0", STRETCH, STEP_MS)

    assert (frame.values == np.inf).all()


async def test_a_query_that_cannot_be_read_says_why(server, opened: Opened):
    with pytest.raises(SourceFailed, match=r"(400|422).*It says: .*pars") as told:
        await opened("prometheus", server.url).metrics("sum(", STRETCH, STEP_MS)

    assert told.value.is_about_question


async def test_too_many_points_are_not_asked_for(server, opened: Opened):
    with pytest.raises(SourceFailed, match="11,000 points"):
        await opened("prometheus", server.url).metrics("up", STRETCH, 10)


async def test_services_are_named_by_their_labels(server, opened: Opened):
    assert await opened("prometheus", server.url).services(STRETCH) == ["catalog", "checkout"]


async def test_calls_are_read_from_service_graphs(server, opened: Opened):
    stretch = Stretch(STRETCH.end_ms - 300_000, STRETCH.end_ms)

    (edge,) = await opened("prometheus", server.url).edges(stretch)

    assert (edge.caller, edge.callee) == (Party("gateway"), Party("checkout"))
    assert edge.calls == pytest.approx(80, abs=4)
    assert edge.errors == pytest.approx(20, abs=1)
