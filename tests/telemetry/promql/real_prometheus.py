"""A Prometheus of the machine's own, for one test session, that is written to and asked."""

import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cramjam
import httpx

from tests.telemetry.promql.memory_store import Measured

BINARY = shutil.which("prometheus")
READY_WITHIN_SECONDS = 20


class RealPrometheus:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.url, timeout=30)

    def write(self, measured: list[Measured]) -> None:
        body = bytes(cramjam.snappy.compress_raw(write_request(measured)))
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        response = self._client.post("/api/v1/write", content=body, headers=headers)
        assert response.status_code == 204, response.text

    def ask(self, query: str, at_ms: int) -> dict[str, Any]:
        form = {"query": query, "time": f"{at_ms / 1000:.3f}"}
        return self.get("query", form)

    def ask_range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> dict[str, Any]:
        times = {"start": start_ms, "end": end_ms, "step": step_ms}
        form = {name: f"{ms / 1000:.3f}" for name, ms in times.items()}
        return self.get("query_range", {"query": query, **form})

    def get(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.post(f"/api/v1/{path}", data=form).json()
        return answer

    def is_ready(self) -> bool:
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def close(self) -> None:
        self._client.close()


@contextmanager
def running(directory: Path, configuration: str = "global: {}\n") -> Iterator[RealPrometheus]:
    config = directory / "prometheus.yml"
    config.write_text(configuration)
    port = _free_port()
    arguments = (
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
    )
    process = subprocess.Popen([str(BINARY), *arguments], stderr=subprocess.DEVNULL)  # noqa: S603
    server = RealPrometheus(port)
    try:
        _wait_for(server, process)
        yield server
    finally:
        server.close()
        process.kill()
        process.wait()


def _wait_for(server: RealPrometheus, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + READY_WITHIN_SECONDS
    while not server.is_ready():
        assert process.poll() is None, "prometheus ended at its start"
        assert time.monotonic() < until, "prometheus did not become ready"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_request(measured: list[Measured]) -> bytes:
    """prometheus.WriteRequest on the wire; remote-write 1.0 asks for sorted labels."""
    return b"".join(_chunk(1, _time_series(each)) for each in measured)


def _time_series(each: Measured) -> bytes:
    labels = (
        _chunk(1, _chunk(1, name.encode()) + _chunk(2, value.encode()))
        for name, value in sorted(each.labels.items())
    )
    pairs = zip(each.at_ms.tolist(), each.values.view("int64").tolist(), strict=True)
    samples = (
        _chunk(2, b"\x09" + struct.pack("<q", bits) + b"\x10" + _varint(at)) for at, bits in pairs
    )
    return b"".join((*labels, *samples))


def _chunk(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
