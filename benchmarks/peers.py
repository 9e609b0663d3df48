"""Other stores of metrics on this machine, each in a folder and on a port of its own."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Peer:
    """`url` is in front of /api/v1; `folder` holds what it keeps."""

    name: str
    url: str
    folder: Path
    command: list[str]
    ready: str
    settle: Callable[["Peer"], None]

    def bytes_kept(self) -> int:
        self.settle(self)
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


def installed(scratch: Path) -> list[Peer]:
    """Those of Prometheus and VictoriaMetrics that are there."""
    found = [_prometheus(scratch / "prometheus"), _victoria_metrics(scratch / "victoria-metrics")]
    return [peer for peer in found if shutil.which(peer.command[0])]


@contextmanager
def running(peer: Peer) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603
        peer.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"{peer.url}{peer.ready}")
        yield
    finally:
        process.terminate()
        process.wait()


def _prometheus(folder: Path) -> Peer:
    """A snapshot is what it would have on disk after its block of two hours."""
    folder.mkdir()
    config = folder / "prometheus.yml"
    config.write_text("global: {}\n", encoding="utf-8")
    port = _free_port()
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'kept'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
    ]
    kept = folder / "kept" / "snapshots"
    return Peer("Prometheus", f"http://127.0.0.1:{port}", kept, command, "/-/ready", _snapshot)


def _victoria_metrics(folder: Path) -> Peer:
    folder.mkdir()
    port = _free_port()
    command = [
        "victoria-metrics",
        f"-storageDataPath={folder / 'kept'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
    ]
    data = folder / "kept" / "data"
    return Peer("VictoriaMetrics", f"http://127.0.0.1:{port}", data, command, "/health", _merge)


def _snapshot(peer: Peer) -> None:
    url = f"{peer.url}/api/v1/admin/tsdb/snapshot"
    httpx.post(url, timeout=60).raise_for_status()


def _merge(peer: Peer) -> None:
    httpx.get(f"{peer.url}/internal/force_flush", timeout=60).raise_for_status()
    httpx.get(f"{peer.url}/internal/force_merge", timeout=60).raise_for_status()
    time.sleep(3)  # it merges behind the answer and says nothing of the end


def _wait_for(url: str) -> None:
    ends_at = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < ends_at:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url} was not ready within {READY_WITHIN_SECONDS} s")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
