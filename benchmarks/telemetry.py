"""Telemetry over HTTP, beside Prometheus and VictoriaMetrics: `python -m benchmarks telemetry`.

One sender and one reader; an hour of 10,000 series measured every 15 seconds.
"""

import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cramjam
import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks import metric_store, peers
from benchmarks.console import Console
from benchmarks.figures import Figure, at_least, at_most, percentile
from telemetry.intake.wire import Label, Sample, TimeSeries, WriteRequest
from telemetry.store.frames import Values

SERIES, TURNS, EVERY_MS = metric_store.SERIES, metric_store.TURNS, metric_store.EVERY_MS
AT_ONCE = 2_000
RECORDS, POSTS = 1_000, 40
ASKED = 60
VISIBLE_WITHIN_SECONDS = 20
WRITE_PATH = "/prometheus/api/v1/write"
ONE = 'http_requests_total{path="/orders/77"}'
MEAN = "avg(http_requests_total)"
WRITING = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
OTLP = {"Content-Type": "application/x-protobuf"}


@dataclass(frozen=True)
class Measured:
    """Samples a second; milliseconds."""

    rate: float
    one_p95: float
    mean_p50: float


def measure(console: Console) -> list[Figure]:
    start_ms = (int(time.time()) - 3700) * 1000
    sent = list(bodies(start_ms))
    ours = _measure_ours(console, sent, start_ms)
    figures = [at_least("remote-write from one sender", ours.rate, 100_000, "samples/s")]
    with tempfile.TemporaryDirectory(prefix="peers-bench-") as scratch:
        theirs = dict(_measure_peers(Path(scratch), sent, start_ms, figures))
    return [*figures, *_compared(ours, theirs), *_records(console)]


def _measure_ours(console: Console, sent: list[bytes], start_ms: int) -> Measured:
    sender = console.token_of("prometheus", "bench-write")
    reader = {"Authorization": f"Bearer {console.api_token('bench-read')}"}
    headers = WRITING | {"Authorization": f"Bearer {sender}"}
    return _measure(f"{console.url}/prometheus", sent, start_ms, headers, reader)


def _measure_peers(
    scratch: Path, sent: list[bytes], start_ms: int, figures: list[Figure]
) -> Iterator[tuple[str, Measured]]:
    for peer in peers.installed(scratch):
        with peers.running(peer):
            found = _measure(peer.url, sent, start_ms, WRITING, {})
            taken = peer.bytes_kept() / SERIES / TURNS
        figures.append(Figure(f"… into {peer.name}", f"{found.rate:,.0f} samples/s"))
        figures.append(Figure(f"on disk, {peer.name}", f"{taken:.2f} bytes/sample"))
        yield peer.name, found


def _compared(ours: Measured, theirs: dict[str, Measured]) -> Iterator[Figure]:
    fastest = theirs.get("VictoriaMetrics")
    limits = (10 * fastest.one_p95, 3 * fastest.mean_p50) if fastest else (1e9, 1e9)
    yield at_most("one series, 1 h, p95", ours.one_p95, round(limits[0], 1), "ms")
    yield from (Figure(f"… {n}", f"{each.one_p95:.1f} ms") for n, each in theirs.items())
    yield at_most("mean of 10,000 series, 1 h, p50", ours.mean_p50, round(limits[1], 1), "ms")
    yield from (Figure(f"… {n}", f"{each.mean_p50:.1f} ms") for n, each in theirs.items())


def _measure(
    url: str, sent: list[bytes], start_ms: int, write: dict[str, str], read: dict[str, str]
) -> Measured:
    with httpx.Client(base_url=url, timeout=60) as client:
        began = time.perf_counter()
        for body in sent:
            client.post("/api/v1/write", content=body, headers=write).raise_for_status()
        rate = SERIES * TURNS / (time.perf_counter() - began)
        _wait_for_all(client, start_ms, read)
        one = list(_asked(client, ONE, start_ms, read, series=1))
        mean = list(_asked(client, MEAN, start_ms, read, series=1, times=10))
    return Measured(rate, percentile(one, 95), statistics.median(mean))


def _wait_for_all(client: httpx.Client, start_ms: int, headers: dict[str, str]) -> None:
    """Some show what was written a few seconds later."""
    ends_at = time.monotonic() + VISIBLE_WITHIN_SECONDS
    while True:
        try:
            list(_asked(client, ONE, start_ms, headers, series=1, times=1))
        except AssertionError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.2)
        else:
            return


def _asked(
    client: httpx.Client,
    query: str,
    start_ms: int,
    headers: dict[str, str],
    *,
    series: int,
    times: int = ASKED,
) -> Iterator[float]:
    end_ms = start_ms + (TURNS - 1) * EVERY_MS
    wanted = {"query": query, "start": start_ms / 1000, "end": end_ms / 1000, "step": 60}
    for _ in range(times):
        began = time.perf_counter()
        answer = client.get("/api/v1/query_range", params=wanted, headers=headers)
        taken = (time.perf_counter() - began) * 1000
        result = answer.raise_for_status().json()["data"]["result"]
        if len(result) != series or len(result[0]["values"]) < TURNS // 4 - 1:
            held = [len(each["values"]) for each in result]
            raise AssertionError(f"{query} was answered with {held} points of {TURNS // 4}")
        yield taken


def _records(console: Console) -> Iterator[Figure]:
    token = console.token_of("otlp", "bench-otlp")
    headers = OTLP | {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=console.url, headers=headers, timeout=60) as client:
        for what, path, made in (("logs", "/v1/logs", logs), ("spans", "/v1/traces", spans)):
            ready = [made(number) for number in range(POSTS)]
            began = time.perf_counter()
            for body in ready:
                client.post(path, content=body).raise_for_status()
            rate = RECORDS * POSTS / (time.perf_counter() - began)
            yield Figure(f"{what} from one sender, {RECORDS:,} a request", f"{rate:,.0f} /s")


def bodies(start_ms: int) -> Iterator[bytes]:
    labels, values = metric_store.labels(), metric_store.values()
    packed = [
        [Label(name=k, value=v).SerializeToString() for k, v in sorted(each.items())]
        for each in labels
    ]
    for turn in range(TURNS):
        for begin in range(0, SERIES, AT_ONCE):
            yield _write(packed, values, turn, range(begin, begin + AT_ONCE), start_ms)


def _write(
    labels: list[list[bytes]], values: Values, turn: int, some: Iterable[int], start_ms: int
) -> bytes:
    request = WriteRequest()
    at_ms = start_ms + turn * EVERY_MS
    for number in some:
        sample = Sample(timestamp=at_ms, value=values[turn, number]).SerializeToString()
        series = TimeSeries(labels=labels[number], samples=[sample])
        request.timeseries.append(series.SerializeToString())
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def logs(number: int) -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    _name(group.resource, number)
    records = group.scope_logs.add().log_records
    for index in range(RECORDS):
        record = records.add(time_unix_nano=time.time_ns() + index, severity_number=9)
        record.body.string_value = f"GET /orders/{number}-{index} answered 200 in {index % 70} ms"
        record.attributes.add(key="http.route").value.string_value = "/orders/{id}"
    return bytes(request.SerializeToString())


def spans(number: int) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _name(group.resource, number)
    added = group.scope_spans.add().spans
    for index in range(RECORDS):
        at = time.time_ns() - 1_000_000_000
        added.add(
            trace_id=(number * RECORDS + index // 5 + 1).to_bytes(16),
            span_id=(number * RECORDS + index + 1).to_bytes(8),
            name="GET /orders/{id}",
            kind=2,
            start_time_unix_nano=at,
            end_time_unix_nano=at + 20_000_000 + index,
        )
    return bytes(request.SerializeToString())


def _name(resource: Any, number: int) -> None:
    value = resource.attributes.add(key="service.name").value
    value.string_value = f"shop-{number % 10}"
