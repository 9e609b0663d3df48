"""The query API as its clients meet it: over ASGI, with a real store behind it."""

import asyncio
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from telemetry.api import prometheus
from telemetry.store.frames import Batch
from telemetry.store.metrics import MetricStore
from telemetry.store.opening import open_metrics

START_MS = 1_700_000_000_000
SERIES = [
    {"__name__": "up", "job": "web", "instance": "a:1"},
    {"__name__": "up", "job": "web", "instance": "b:1"},
    {"__name__": "requests_total", "job": "web"},
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    found = open_metrics(f"sqlite:///{tmp_path}/telemetry.sqlite3")
    found.append(
        Batch(
            labels=SERIES,
            series=np.repeat(np.arange(3), 41),
            at_ms=np.tile(START_MS + np.arange(41) * 15_000, 3),
            values=np.concatenate([np.ones(41), np.zeros(41), np.arange(41) * 30.0]),
        )
    )
    yield found
    found.close()


async def everybody(request: Request) -> None:
    """Who may ask is tried in `tests/site/test_prometheus_readers.py`."""


@pytest.fixture
def api(store: MetricStore) -> Any:
    console = Starlette(routes=prometheus.routes(everybody, lambda: store))

    def ask(method: str, path: str, **facts: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=console)
            address = "http://console/prometheus/api/v1/"
            async with httpx.AsyncClient(transport=transport, base_url=address) as client:
                return await client.request(method, path, **facts)

        return asyncio.run(go())

    return ask


def asked_at(seconds: float = 600.0) -> str:
    return f"{START_MS / 1000 + seconds}"


class TestAnswers:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_moment_is_answered_as_prometheus_does(self, api: Any, method: str):
        fields = {"query": 'up{instance="a:1"}', "time": asked_at()}
        where = {"params": fields} if method == "GET" else {"data": fields}

        response = api(method, "query", **where)

        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.json() == {
            "status": "success",
            "data": {
                "resultType": "vector",
                "result": [{"metric": SERIES[0], "value": [1_700_000_600, "1"]}],
            },
        }

    def test_a_range_is_answered_as_prometheus_does(self, api: Any):
        form = {"query": "sum_over_time(requests_total[30s])", "start": "2023-11-14T22:15:00Z"}

        response = api("POST", "query_range", data=form | {"end": "1700000130.5", "step": "30s"})

        assert response.json()["data"] == {
            "resultType": "matrix",
            "result": [
                {
                    "metric": {"job": "web"},
                    "values": [[1_700_000_100, "330"], [1_700_000_130, "450"]],
                }
            ],
        }

    def test_grafana_s_probe_is_a_scalar(self, api: Any):
        data = api("GET", "query", params={"query": "1+1", "time": "5.25"}).json()["data"]

        assert data == {"resultType": "scalar", "result": [5.25, "2"]}

    def test_a_text_is_a_string(self, api: Any):
        data = api("GET", "query", params={"query": '"here"', "time": "5"}).json()["data"]

        assert data == {"resultType": "string", "result": [5, "here"]}

    def test_a_range_selector_gives_the_samples(self, api: Any):
        asked = {"query": 'up{instance="a:1"}[30s]', "time": asked_at(30)}

        data = api("GET", "query", params=asked).json()["data"]

        values = [[1_700_000_000, "1"], [1_700_000_015, "1"], [1_700_000_030, "1"]]
        assert data == {"resultType": "matrix", "result": [{"metric": SERIES[0], "values": values}]}

    def test_labels_and_their_values_are_told(self, api: Any):
        only = {"match[]": "up", "start": asked_at(0), "end": asked_at()}

        assert api("GET", "labels").json()["data"] == ["__name__", "instance", "job"]
        assert api("POST", "labels", data={"match[]": "requests_total"}).json()["data"] == [
            "__name__",
            "job",
        ]
        assert api("GET", "label/instance/values", params=only).json()["data"] == ["a:1", "b:1"]
        assert api("GET", "label/nothing/values").json()["data"] == []

    def test_series_are_those_of_any_selector(self, api: Any):
        asked = {"match[]": ['up{instance=~"a.*"}', "requests_total"]}

        found = api("GET", "series", params=asked).json()["data"]

        assert sorted(found, key=str) == sorted([SERIES[0], SERIES[2]], key=str)

    def test_nothing_is_known_of_types(self, api: Any):
        assert api("GET", "metadata").json() == {"status": "success", "data": {}}

    def test_the_version_is_that_of_the_language(self, api: Any):
        assert api("GET", "status/buildinfo").json()["data"]["version"] == "2.42.0"


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "asked", "reason"),
        [
            ("query", {}, 'invalid parameter "query": parse error: no expression found in input'),
            ("query", {"query": "up{"}, "unexpected end of input inside braces"),
            ("query", {"query": "1", "time": "noon"}, 'cannot parse "noon" to a valid timestamp'),
            ("query", {"query": "1", "time": "1e400"}, "to a valid timestamp"),
            ("query", {"query": "1", "time": "NaN"}, "to a valid timestamp"),
            ("query", {"query": "1", "timeout": "soon"}, 'invalid parameter "timeout"'),
            ("query", {"query": 'up{job="\0"}'}, "a NUL is in no label"),
            ("query", {"query": 'up{job=~"(?=a)"}'}, ""),
            ("query_range", {"query": "1", "end": "2", "step": "1"}, 'invalid parameter "start"'),
            (
                "query_range",
                {"query": "1", "start": "2", "end": "1", "step": "1"},
                'invalid parameter "end": end timestamp must not be before start time',
            ),
            (
                "query_range",
                {"query": "1", "start": "1", "end": "2", "step": "0"},
                "zero or negative query resolution step widths are not accepted",
            ),
            (
                "query_range",
                {"query": "1", "start": "0", "end": "11001", "step": "1"},
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)",
            ),
            (
                "query_range",
                {"query": "up[5m]", "start": "1", "end": "2", "step": "1"},
                'invalid expression type "range vector" for range query, '
                "must be Scalar or instant Vector",
            ),
            ("series", {}, "no match[] parameter provided"),
            ("series", {"match[]": "up + up"}, 'invalid parameter "match[]"'),
            ("label/no-pe/values", {}, 'invalid label name: "no-pe"'),
            ("labels", {"start": "x"}, 'invalid parameter "start"'),
        ],
    )
    def test_what_cannot_be_read_is_bad_data(self, api: Any, path: str, asked: Any, reason: str):
        response = api("GET", path, params=asked)

        assert response.status_code == 400
        assert response.json().keys() == {"status", "errorType", "error"}
        assert response.json()["errorType"] == "bad_data"
        assert reason in response.json()["error"]

    def test_what_cannot_be_combined_is_an_execution_error(self, api: Any):
        asked = {"query": "up + on (job) up", "time": asked_at()}

        response = api("GET", "query", params=asked)

        assert response.status_code == 422
        assert response.json()["errorType"] == "execution"
        assert "many-to-many matching not allowed" in response.json()["error"]

    def test_what_takes_too_long_is_a_timeout(self, api: Any):
        response = api("GET", "query", params={"query": "up", "timeout": "0"})

        assert response.status_code == 503
        assert response.json()["errorType"] == "timeout"

    def test_an_answer_that_is_too_large_is_not_written_out(self, api: Any, monkeypatch: Any):
        monkeypatch.setattr(prometheus, "MOST_ANSWERED", 5)
        asked = {"query": "up", "start": asked_at(0), "end": asked_at(60), "step": "15"}

        response = api("GET", "query_range", params=asked)

        assert response.status_code == 422
        assert "the answer would have 10 samples, 5 are allowed" in response.json()["error"]

    def test_a_form_that_is_too_large_is_refused(self, api: Any):
        response = api("POST", "query", data={"query": "1 " * 600_000})

        assert response.status_code == 400
        assert "a form has at most" in response.json()["error"]

    def test_a_pattern_with_too_many_alternatives_is_an_execution_error(self, api: Any):
        pattern = "|".join(["web"] * 2_000)
        asked = {"query": f'label_replace(up, "a", "$1", "job", "{pattern}")', "time": asked_at()}

        response = api("POST", "query", data=asked)

        assert response.status_code == 422
        assert "invalid regular expression in label_replace()" in response.json()["error"]

    def test_only_reading_is_offered(self, api: Any):
        assert api("DELETE", "query").status_code == 405
        assert api("POST", "metadata").status_code == 405


class TestPromtool:
    @pytest.fixture
    def address(self, store: MetricStore) -> Iterator[str]:
        console = Starlette(routes=prometheus.routes(everybody, lambda: store))
        server = uvicorn.Server(uvicorn.Config(console, log_level="error"))
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            serving.start()
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/prometheus"
            server.should_exit = True
            serving.join()

    def test_it_asks_here_as_if_this_were_a_prometheus(self, address: str):
        assert self._printed("query", "instant", f"--time={asked_at()}", address, "sum(up)") == (
            "{} => 1 @[1700000600]"
        )
        assert self._printed("query", "instant", f"--time={asked_at()}", address, "1+1") == (
            "scalar: 2 @[1700000600]"
        )
        assert self._printed("query", "labels", address, "instance") == "a:1\nb:1"
        of_requests = "--match=requests_total", f"--start={asked_at(0)}"
        assert self._printed("query", "series", *of_requests, address) == (
            '{__name__="requests_total", job="web"}'
        )

    def _printed(self, *arguments: str) -> str:
        promtool = shutil.which("promtool")
        if promtool is None:
            advice = "promtool is not here: apt-get install prometheus"
            pytest.fail(advice) if os.environ.get("CI") == "true" else pytest.skip(advice)
        done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=30)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
