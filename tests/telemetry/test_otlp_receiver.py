"""The receiver as its senders meet it: over ASGI, with the real database behind it."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import connections, transaction
from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from starlette.applications import Starlette

from incidents import connecting
from incidents.api import senders
from incidents.api.senders import identify_request
from incidents.models import Integration
from telemetry import keeping
from telemetry.api import group_commit, otlp
from telemetry.intake.otlp_http import MAX_BODY_BYTES
from telemetry.models import Point, Series, Service

pytestmark = pytest.mark.django_db(transaction=True)
PROTOBUF, JSON = "application/x-protobuf", "application/json"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    senders._known.clear()
    keeping.forget_series()
    yield
    keeping.forget_series()


@pytest.fixture
def token() -> str:
    return connecting.connect("otlp", name="Meters", by=None).token


@pytest.fixture
def console() -> Starlette:
    return Starlette(routes=otlp.routes(identify_request))


@pytest.fixture
def post(console: Starlette, token: str) -> Any:
    def send(body: Any, media_type: str = PROTOBUF, **headers: str) -> httpx.Response:
        usual = {"Content-Type": media_type, "Authorization": f"Bearer {token}"}

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=console)
            async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
                return await client.post("/v1/metrics", content=body, headers=usual | headers)

        return asyncio.run(go())

    return send


class Process:
    """One instrumented process of a service."""

    def __init__(self, service: str = "checkout", instance: str = "1") -> None:
        self.request = ExportMetricsServiceRequest()
        resource = self.request.resource_metrics.add()
        for key, value in {"service.name": service, "service.instance.id": instance}.items():
            attribute = resource.resource.attributes.add(key=key)
            attribute.value.string_value = value
        self.metrics = resource.scope_metrics.add().metrics

    def gauge(self, name: str, *values: float, at: float | None = None) -> "Process":
        metric = self.metrics.add(name=name)
        for index, value in enumerate(values):
            nanoseconds = int((at or time.time()) * 1e9) + index * 1_000_000
            metric.gauge.data_points.add(time_unix_nano=nanoseconds, as_double=value)
        return self

    def counter(self, name: str, value: int, *, at: float, since: float) -> "Process":
        counted = self.metrics.add(name=name).sum
        counted.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        counted.is_monotonic = True
        counted.data_points.add(
            time_unix_nano=int(at * 1e9), start_time_unix_nano=int(since * 1e9), as_int=value
        )
        return self

    def protobuf(self) -> bytes:
        return bytes(self.request.SerializeToString())

    def json(self) -> bytes:
        return json_format.MessageToJson(self.request).encode()


def status_of(response: httpx.Response) -> Status:
    """The body of an error, in the encoding it says it has."""
    if response.headers["content-type"] == JSON:
        return json_format.Parse(response.content, Status())
    return Status.FromString(response.content)


def answer_of(response: httpx.Response) -> ExportMetricsServiceResponse:
    if response.headers["content-type"] == JSON:
        return json_format.Parse(response.content, ExportMetricsServiceResponse())
    return ExportMetricsServiceResponse.FromString(response.content)


class TestAccepted:
    def test_protobuf_is_kept_and_answered_in_protobuf(self, post: Any):
        response = post(Process().gauge("queue.length", 7.0).protobuf())

        assert response.status_code == 200
        assert response.headers["content-type"] == PROTOBUF
        assert response.content == b""
        assert Point.objects.get().value == 7.0

    def test_json_is_kept_and_answered_in_json(self, post: Any):
        response = post(Process().gauge("queue.length", 7.0).json(), f"{JSON}; charset=utf-8")

        assert (response.status_code, response.json()) == (200, {})
        assert response.headers["content-type"] == JSON
        assert Series.objects.get().service.slug == "checkout"

    @pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
    def test_gzip_is_unpacked(self, post: Any, media_type: str):
        process = Process().gauge("queue.length", 7.0)
        body = process.protobuf() if media_type == PROTOBUF else process.json()

        response = post(gzip.compress(body, mtime=0), media_type, **{"Content-Encoding": "gzip"})

        assert response.status_code == 200
        assert Point.objects.count() == 1

    def test_an_empty_export_is_fine(self, post: Any):
        assert post(b"").status_code == 200

    def test_the_token_may_be_a_basic_auth_password(self, console: Any, token: str, post: Any):
        basic = httpx.BasicAuth("anybody", token)._auth_header

        response = post(Process().gauge("queue.length", 7.0).protobuf(), Authorization=basic)

        assert response.status_code == 200

    def test_a_replay_changes_nothing(self, post: Any):
        body = Process().gauge("queue.length", 7.0, 8.0).protobuf()

        responses = [post(body) for _ in range(3)]

        assert {(r.status_code, r.content) for r in responses} == {(200, b"")}
        assert Point.objects.count() == 2


class TestRates:
    def test_a_replayed_counter_gives_no_second_rate(self, post: Any):
        now = time.time()
        first = Process().counter("requests", 10, at=now - 20, since=now - 60).protobuf()
        second = Process().counter("requests", 30, at=now - 10, since=now - 60).protobuf()

        for body in (first, second, second, first, second):
            post(body)

        assert [p.value for p in Point.objects.all()] == [pytest.approx(2.0)]
        assert Series.objects.get().name == "requests.rate"

    def test_the_counters_of_two_processes_are_not_mixed(self, post: Any):
        now = time.time()
        for at, low, high in ((now - 20, 10, 5000), (now - 10, 20, 5100)):
            post(Process(instance="1").counter("requests", low, at=at, since=now - 60).protobuf())
            body = Process(instance="2").counter("requests", high, at=at + 1, since=now - 60)
            post(body.protobuf())

        points = Point.objects.order_by("at_ms")
        assert [p.value for p in points] == [pytest.approx(1.0), pytest.approx(10.0)]
        assert Series.objects.count() == 1

    def test_a_rate_is_not_lost_when_its_export_has_to_be_sent_again(
        self, post: Any, monkeypatch: Any
    ):
        monkeypatch.setitem(connections.settings["default"]["OPTIONS"], "timeout", 0.2)
        now = time.time()
        first = Process().counter("requests", 10, at=now - 20, since=now - 60).protobuf()
        second = Process().counter("requests", 30, at=now - 10, since=now - 60).protobuf()
        post(first)

        with transaction.atomic():
            Service.objects.create(slug="somebody-else-writes")
            refused = post(second)
        accepted = post(second)

        assert (refused.status_code, accepted.status_code) == (503, 200)
        assert [p.value for p in Point.objects.all()] == [pytest.approx(2.0)]


class TestPartialSuccess:
    def test_points_that_cannot_be_kept_are_counted_and_the_rest_is_kept(self, post: Any):
        process = Process().gauge("queue.length", 7.0)
        process.gauge("stale", 1.0, at=time.time() - 2 * 86_400).gauge("odd", float("inf"))

        response = post(process.protobuf())

        partial = answer_of(response).partial_success
        assert response.status_code == 200
        assert partial.rejected_data_points == 2
        assert "more than a day old: 1" in partial.error_message
        assert "not finite: 1" in partial.error_message
        assert [s.name for s in Series.objects.all()] == ["queue.length"]

    def test_series_beyond_the_cap_are_refused_by_that_name(self, post: Any, monkeypatch: Any):
        monkeypatch.setattr(keeping, "MAX_SERIES", 1)

        response = post(Process().gauge("a", 1.0).gauge("b", 1.0, 2.0).json(), JSON)

        partial = response.json()["partialSuccess"]
        assert partial == {"rejectedDataPoints": "2", "errorMessage": "too many series: 2"}
        assert Point.objects.count() == 1


class TestRefused:
    @pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic !!", "Digest x"])
    def test_without_its_token_nobody_is_heard(self, post: Any, media_type: str, header: str):
        response = post(b"{}", media_type, Authorization=header)

        assert response.status_code == 401
        assert response.headers["content-type"] == media_type
        assert status_of(response).code == Code.UNAUTHENTICATED
        assert "token" in status_of(response).message

    def test_a_token_of_another_kind_of_sender_is_not_enough(self, post: Any):
        other = connecting.connect("grafana", name="Grafana", by=None).token

        assert post(b"", Authorization=f"Bearer {other}").status_code == 401

    def test_a_sender_that_was_switched_off_is_refused(self, post: Any):
        Integration.objects.update(is_enabled=False)

        assert post(b"").status_code == 401

    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", ""])
    def test_another_media_type_is_415(self, post: Any, media_type: str):
        response = post(b"x", media_type)

        assert response.status_code == 415
        assert "application/x-protobuf" in status_of(response).message

    def test_another_content_encoding_is_415(self, post: Any):
        response = post(b"x", JSON, **{"Content-Encoding": "br"})

        assert response.status_code == 415
        assert status_of(response).code == Code.INVALID_ARGUMENT

    @pytest.mark.parametrize(
        ("body", "media_type", "encoding"),
        [
            (b"\xff\xff", PROTOBUF, ""),
            (b"{", JSON, ""),
            (b"[]", JSON, ""),
            (b'{"resourceMetrics": 5}', JSON, ""),
            (b"no gzip", PROTOBUF, "gzip"),
            (gzip.compress(b"x" * 1000, mtime=0)[:-5], PROTOBUF, "gzip"),
        ],
    )
    def test_what_is_no_export_is_400(self, post: Any, body: bytes, media_type: str, encoding: str):
        response = post(body, media_type, **{"Content-Encoding": encoding})

        assert response.status_code == 400
        assert status_of(response).code == Code.INVALID_ARGUMENT

    def test_a_body_that_is_too_large_is_413_before_all_of_it_was_read(self, post: Any):
        sent = []

        async def endless() -> AsyncIterator[bytes]:
            while len(sent) < 64:
                sent.append(1)
                yield b"x" * (MAX_BODY_BYTES // 16)

        response = post(endless())

        assert response.status_code == 413
        assert status_of(response).code == Code.RESOURCE_EXHAUSTED

    def test_a_small_body_that_unpacks_to_a_huge_one_is_413(self, post: Any):
        bomb = gzip.compress(b"\0" * (MAX_BODY_BYTES + 1), mtime=0)

        response = post(bomb, JSON, **{"Content-Encoding": "gzip"})

        assert response.status_code == 413
        assert response.json()["code"] == Code.RESOURCE_EXHAUSTED

    def test_only_post_is_answered(self, console: Starlette):
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=console)
            async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
                return await client.get("/v1/metrics")

        assert asyncio.run(go()).status_code == 405


class TestBusy:
    def test_when_it_cannot_be_kept_in_time_the_sender_is_to_come_back(
        self, post: Any, monkeypatch: Any
    ):
        monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.3)
        body = Process().gauge("queue.length", 7.0).json()

        with transaction.atomic():
            Service.objects.create(slug="somebody-else-writes")
            response = post(body, JSON)
        again = post(body, JSON)

        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert response.json()["code"] == Code.UNAVAILABLE
        assert again.status_code == 200
        assert Point.objects.count() == 1

    def test_what_waits_is_bounded_and_more_of_it_is_refused_at_once(
        self, console: Starlette, token: str, monkeypatch: Any
    ):
        body = Process().gauge("queue.length", 7.0).protobuf()
        monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.3)
        monkeypatch.setattr(group_commit, "MOST_WAITING_BYTES", 2 * len(body))
        headers = {"Content-Type": PROTOBUF, "Authorization": f"Bearer {token}"}

        async def post_all(times: int) -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=console)
            async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
                post = partial(client.post, "/v1/metrics", content=body, headers=headers)
                return await asyncio.gather(*(post() for _ in range(times)))

        with asyncio.Runner() as runner:
            with transaction.atomic():
                Service.objects.create(slug="somebody-else-writes")
                during = runner.run(post_all(6))
            for _ in range(50):  # as a sender comes back
                [after] = runner.run(post_all(1))
                if after.status_code == 200:
                    break
                time.sleep(0.1)

        waited = [response.elapsed.total_seconds() > 0.2 for response in during]
        assert {response.status_code for response in during} == {503}
        assert {response.headers["retry-after"] for response in during} == {"5"}
        assert sorted(waited) == [False] * 4 + [True] * 2
        assert after.status_code == 200

    def test_when_the_database_cannot_say_who_is_asking_it_is_503(
        self, post: Any, monkeypatch: Any
    ):
        def frozen(hashed: str) -> None:
            time.sleep(0.2)

        monkeypatch.setattr(senders, "_look_up", frozen)
        monkeypatch.setattr(senders, "PATIENCE_SECONDS", 0.05)

        response = post(b"")

        assert response.status_code == 503
        assert status_of(response).code == Code.UNAVAILABLE
