import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from telemetry.outbound_guard import Guard
from telemetry.sources import SOURCES
from telemetry.sources.asker import HttpAsker
from telemetry.sources.base import RemoteSource
from telemetry.sources.breaker import Reach
from tests.telemetry.promql.real_prometheus import BINARY, RealPrometheus, _free_port, running
from tests.telemetry.sources.recorded import Recorded, serving

Opened = Callable[..., RemoteSource]
VICTORIA = shutil.which("victoria-metrics")
READY_WITHIN_SECONDS = 20


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with serving() as server:
        yield server


@pytest.fixture
def opened() -> Opened:
    """A source of that kind at an address of this machine; for use on a loop."""

    def open_source(
        kind: str,
        url: str,
        options: Mapping[str, str] = {},
        secrets: Mapping[str, str] = {},
        *,
        seconds: float = 5.0,
        reach: Reach | None = None,
        allow: str = "127.0.0.1/32",
    ) -> RemoteSource:
        of_kind = SOURCES[kind]
        asker = HttpAsker(
            url=url,
            auth=of_kind.auth(options, secrets),
            guard=Guard.from_text(allow),
            reach=reach or Reach(),
            ends_at=asyncio.get_running_loop().time() + seconds,
            reason_in=of_kind.reason_in,
        )
        return of_kind(asker, options)

    return open_source


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    _demand(BINARY, "prometheus")
    with running(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """VictoriaMetrics, which is written to and asked as a Prometheus is."""
    _demand(VICTORIA, "victoria-metrics")
    port = _free_port()
    arguments = _victoria_arguments(port, tmp_path_factory.mktemp("victoria"))
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)  # noqa: S603
    server = RealPrometheus(port)
    try:
        _wait_for(server, process)
        yield server
    finally:
        server.close()
        process.kill()
        process.wait()


def _victoria_arguments(port: int, directory: Path) -> list[str]:
    return [
        str(VICTORIA),
        f"-storageDataPath={directory}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
        "-memory.allowedPercent=5",
        "-loggerLevel=ERROR",
    ]


def _wait_for(server: RealPrometheus, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + READY_WITHIN_SECONDS
    while not server.is_ready():
        assert process.poll() is None, "victoria-metrics ended at its start"
        assert time.monotonic() < until, "victoria-metrics did not become ready"
        time.sleep(0.05)


def _demand(binary: str | None, package: str) -> None:
    if binary is None:
        advice = f"{package} is not here: apt-get install {package}"
        pytest.fail(advice) if os.environ.get("CI") == "true" else pytest.skip(advice)
