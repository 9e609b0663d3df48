"""Logs, traces and remote-write as their senders meet them, with the real stores behind."""

import base64
import gzip
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry import disk, own_metrics, own_records, tasks
from telemetry.api import group_commit
from telemetry.store.database import Unavailable
from telemetry.store.frames import Frame
from telemetry.store.logs import LogQuery
from tests.telemetry.intake.sending import JSON, PROTOBUF, WRITE, Sender, snappy, write_request

ALWAYS_NS = (0, 2**62)
ALWAYS_MS = (0, 2**61)
TRACE, SPAN = bytes(range(16)), bytes(range(1, 9))
UP = {"__name__": "up", "job": "node"}


def logs(*bodies: str, at: float = 0.0) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    records = resource.scope_logs.add().log_records
    for body in bodies:
        record = records.add(time_unix_nano=int((at or time.time()) * 1e9), severity_number=17)
        record.body.string_value = body
    return request


def trace(*names: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, name in enumerate(names):
        now_ns = time.time_ns()
        span_id = bytes([number, *SPAN[1:]])
        spans.add(
            trace_id=TRACE,
            span_id=span_id,
            name=name,
            start_time_unix_nano=now_ns,
            end_time_unix_nano=now_ns + 5_000_000,
        )
    return request


def gauge(name: str, value: float, at_ms: int) -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    metric.gauge.data_points.add(time_unix_nano=at_ms * 1_000_000, as_double=value)
    return bytes(request.SerializeToString())


def kept_logs() -> list[str]:
    return [kept.record.body for kept in own_records.logs().search(LogQuery(*ALWAYS_NS))]


def kept_spans() -> list[str]:
    return [span.name for span in own_records.spans().trace(TRACE.hex())]


def kept_samples() -> list[tuple[str, int, float]]:
    def rows(frame: Frame) -> list[tuple[str, int, float]]:
        return [
            (labels["__name__"], at, value)
            for labels, values in zip(frame.labels, frame.values.tolist(), strict=True)
            for at, value in zip(frame.at_ms.tolist(), values, strict=True)
        ]

    frames = own_metrics.store().select([], *ALWAYS_MS)
    return sorted(row for frame in frames for row in rows(frame))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class TestLogsAndTraces:
    @pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
    @pytest.mark.parametrize("coding", ["", "gzip"])
    def test_both_are_kept_in_either_encoding_packed_or_not(
        self, sender: Sender, media_type: str, coding: str
    ):
        for path, request in (("/v1/logs", logs("it broke")), ("/v1/traces", trace("GET /"))):
            body = _encoded(request, media_type)
            body = gzip.compress(body, mtime=0) if coding else body

            answer = sender.post(path, body, media_type, **{"Content-Encoding": coding})

            assert answer.status_code == 200, answer.content
            assert answer.headers["content-type"] == media_type
        assert kept_logs() == ["it broke"]
        assert own_records.spans().services(*ALWAYS_NS) == ["unknown_service"]

    def test_what_is_refused_is_counted_and_the_rest_is_kept(self, sender: Sender):
        request = logs("new")
        request.MergeFrom(logs("old", at=time.time() - 2 * 86_400))

        answer = sender.post("/v1/logs", request.SerializeToString())

        partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
        assert (answer.status_code, partial.rejected_log_records) == (200, 1)
        assert partial.error_message == "more than a day old or ahead: 1"
        assert kept_logs() == ["new"]

    @pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
    def test_without_its_token_nobody_is_heard(self, sender: Sender, path: str):
        answer = sender.post(path, b"{}", JSON, Authorization=f"Bearer {sender.prometheus}")

        assert answer.status_code == 401
        assert answer.json()["code"] == Code.UNAUTHENTICATED

    def test_a_span_sent_again_is_kept_once(self, sender: Sender):
        body = trace("GET /", "SELECT").SerializeToString()

        answers = [sender.post("/v1/traces", body).status_code for _ in range(2)]

        assert answers == [200, 200]
        assert kept_spans() == ["GET /", "SELECT"]

    def test_old_ones_are_forgotten_by_beat(self, sender: Sender, settings: Any):
        settings.KEEP_LOGS_DAYS = settings.KEEP_TRACES_DAYS = 0
        sender.post("/v1/logs", logs("it broke", at=time.time() - 60).SerializeToString())

        tasks.forget_old_records()

        assert kept_logs() == []


class TestMetrics:
    def test_they_are_kept_raw_under_the_names_of_prometheus(self, sender: Sender):
        at = now_ms()

        answer = sender.post("/v1/metrics", gauge("queue.length", 7.0, at), PROTOBUF)

        assert answer.status_code == 200
        assert kept_samples() == [("queue_length", at, 7.0)]

    def test_when_raw_samples_cannot_be_kept_it_is_503_and_another_try_keeps_each_once(
        self, sender: Sender, monkeypatch: Any
    ):
        def fails(batch: Any) -> None:
            raise Unavailable("The telemetry store does not answer: disk I/O error")

        at = now_ms()
        body = gauge("queue.length", 7.0, at)
        with monkeypatch.context() as broken:
            broken.setattr(own_metrics.store(), "append", fails)
            refused = sender.post("/v1/metrics", body)
        again = [sender.post("/v1/metrics", body).status_code for _ in range(2)]

        assert (refused.status_code, again) == (503, [200, 200])
        assert kept_samples() == [("queue_length", at, 7.0)]


class TestRemoteWrite:
    def test_samples_are_committed_before_the_answer(self, sender: Sender):
        at = now_ms()

        answer = sender.write(write_request((UP, [(at - 1, 1.0), (at, 0.0)])))

        assert (answer.status_code, answer.content) == (204, b"")
        assert kept_samples() == [("up", at - 1, 1.0), ("up", at, 0.0)]

    def test_metadata_alone_is_fine(self, sender: Sender):
        assert sender.write(b"\x1a\x04\x08\x01\x12\x00").status_code == 204

    def test_a_400_names_what_is_wrong_and_the_good_samples_are_kept(self, sender: Sender):
        at = now_ms()
        wrong = ({"__name__": "no name"}, [(at, 1.0)])
        ahead = ({"__name__": "ahead"}, [(at + 86_400_000, 1.0)])

        answer = sender.write(write_request((UP, [(at, 1.0)]), wrong, ahead))

        assert answer.status_code == 400
        assert "1 samples were kept" in answer.text
        assert "a series without a valid metric name: 1" in answer.text
        assert "in the future: 1" in answer.text
        assert kept_samples() == [("up", at, 1.0)]

    def test_of_writes_committed_together_only_the_bad_one_is_refused(
        self, sender: Sender, monkeypatch: Any
    ):
        at, sizes = now_ms(), []
        real = own_metrics.store().append

        def slow(batch: Any) -> Any:
            sizes.append(len(batch.values))
            time.sleep(0.1)
            return real(batch)

        monkeypatch.setattr(own_metrics.store(), "append", slow)
        good = [write_request(({**UP, "n": str(n)}, [(at, 1.0)])) for n in range(4)]
        bad = write_request((UP, [(at + 86_400_000, 1.0)]))

        answers = sender.post_all([(WRITE, snappy(b), PROTOBUF, {}) for b in [*good, bad]])

        assert [answer.status_code for answer in answers] == [204] * 4 + [400]
        assert max(sizes) > 1
        assert kept_samples() == [("up", at, 1.0)] * 4

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "application/json"},
            {"Content-Type": f"{PROTOBUF};proto=io.prometheus.write.v2.Request"},
            {"Content-Encoding": "gzip"},
        ],
    )
    def test_anything_but_version_1_is_415(self, sender: Sender, headers: dict[str, str]):
        assert sender.write(write_request((UP, [(now_ms(), 1.0)])), **headers).status_code == 415

    def test_without_its_token_nobody_is_heard(self, sender: Sender):
        answer = sender.write(b"", Authorization=f"Bearer {sender.otlp}")

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def _deliveries() -> list[tuple[str, Callable[[], bytes]]]:
    return [
        ("/v1/logs", lambda: logs("it broke").SerializeToString()),
        ("/v1/traces", lambda: trace("GET /").SerializeToString()),
        (WRITE, lambda: snappy(write_request((UP, [(now_ms(), 1.0)])))),
    ]


@pytest.mark.parametrize(("path", "body"), _deliveries())
class TestBackPressure:
    def test_a_full_disk_sends_everybody_back(
        self, sender: Sender, monkeypatch: Any, path: str, body: Callable[[], bytes]
    ):
        usage = SimpleNamespace(total=100, used=96, free=4)
        with monkeypatch.context() as full:
            full.setattr(disk.shutil, "disk_usage", lambda _: usage)
            refused = sender.post(path, body())
        accepted = sender.post(path, body())

        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert b"disk" in refused.content
        assert accepted.status_code in {200, 204}

    def test_a_store_that_cannot_be_written_sends_everybody_back(
        self, sender: Sender, monkeypatch: Any, path: str, body: Callable[[], bytes]
    ):
        def fails(batch: Any) -> None:
            raise Unavailable("The telemetry store does not answer: disk I/O error")

        with monkeypatch.context() as broken:
            for store in (own_records.logs(), own_records.spans(), own_metrics.store()):
                broken.setattr(store, "append", fails)
            refused = sender.post(path, body())
        accepted = sender.post(path, body())

        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert accepted.status_code in {200, 204}

    def test_what_waits_is_bounded_by_bytes(
        self, sender: Sender, monkeypatch: Any, path: str, body: Callable[[], bytes]
    ):
        released = threading.Event()
        monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.5)
        monkeypatch.setattr(group_commit, "MOST_WAITING_BYTES", 1_000)
        for store in (own_records.logs(), own_records.spans(), own_metrics.store()):
            monkeypatch.setattr(store, "append", lambda _: released.wait(10))
        try:
            answers = sender.post_all([(path, body(), PROTOBUF, {})] * 40)
        finally:
            released.set()

        refused = [answer for answer in answers if b"Too much is waiting" in answer.content]
        assert {answer.status_code for answer in answers} == {503}
        assert len(refused) >= 20


def _encoded(request: Any, media_type: str) -> bytes:
    if media_type == PROTOBUF:
        return bytes(request.SerializeToString())
    document = json_format.MessageToJson(request)
    for each in (TRACE, bytes([0, *SPAN[1:]])):  # OTLP writes ids in hex
        document = document.replace(base64.b64encode(each).decode(), each.hex())
    return document.encode()
