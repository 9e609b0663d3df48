"""A real Prometheus scrapes a real node exporter and itself, and writes it all to the receiver."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry import own_metrics
from telemetry.store.database import Unavailable
from telemetry.store.frames import Matcher
from tests.telemetry.intake.sending import WRITE, Sender
from tests.telemetry.promql.real_prometheus import BINARY, RealPrometheus, running

EXPORTER = shutil.which("prometheus-node-exporter")
ARRIVES_WITHIN_SECONDS = 60
ALWAYS_MS = (0, 2**61)


@pytest.fixture
def exporter() -> Iterator[str]:
    """Host and port of a node exporter."""
    _demand(EXPORTER, "prometheus-node-exporter")
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(  # noqa: S603
        [str(EXPORTER), f"--web.listen-address={target}", "--log.level=error"],
        stderr=subprocess.DEVNULL,
    )
    yield target
    process.kill()
    process.wait()


@pytest.fixture
def prometheus(
    address: str, exporter: str, sender: Sender, tmp_path: Path
) -> Iterator[RealPrometheus]:
    _demand(BINARY, "prometheus")
    configuration = f"""
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["{exporter}"]
remote_write:
  - url: {address}{WRITE}
    authorization:
      type: Bearer
      credentials: {sender.prometheus}
    queue_config:
      max_backoff: 500ms
"""
    with running(tmp_path, configuration) as server:
        yield server


def test_what_it_scrapes_arrives_and_nothing_is_refused(prometheus: RealPrometheus):
    _wait_until(lambda: len(samples_of("up")) >= 3)

    [frame] = own_metrics.store().select([Matcher("__name__", "=", "up")], *ALWAYS_MS)
    assert frame.labels[0]["job"] == "node"
    assert set(frame.values[0].tolist()) == {1.0}
    asked = prometheus.ask("node_boot_time_seconds", int(time.time() * 1000))
    [theirs] = asked["data"]["result"]
    assert samples_of("node_boot_time_seconds")[-1] == float(theirs["value"][1])
    assert _failed(prometheus) == 0


def test_what_a_broken_store_could_not_take_arrives_later(
    prometheus: RealPrometheus, monkeypatch: Any
):
    refusals = []

    def fails(batch: Any) -> None:
        refusals.append(len(batch.values))
        raise Unavailable("The telemetry store does not answer: disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(own_metrics.store(), "append", fails)
        _wait_until(lambda: len(refusals) >= 2)
    first_ms = int(time.time() * 1000)
    _wait_until(lambda: len(samples_of("up")) >= 2)

    [frame] = own_metrics.store().select([Matcher("__name__", "=", "up")], *ALWAYS_MS)
    assert frame.at_ms[0] < first_ms
    assert _failed(prometheus) == 0


def samples_of(name: str) -> list[float]:
    frames = own_metrics.store().select([Matcher("__name__", "=", name)], *ALWAYS_MS)
    return [value for frame in frames for value in frame.values[0].tolist()]


def _failed(prometheus: RealPrometheus) -> float:
    """What it gave up, by its own count."""
    page = prometheus._client.get("/metrics").text
    line = next(
        line
        for line in page.splitlines()
        if line.startswith("prometheus_remote_storage_samples_failed_total{")
    )
    return float(line.rpartition(" ")[2])


def _wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + ARRIVES_WITHIN_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def _demand(binary: str | None, package: str) -> None:
    if binary is None:
        advice = f"{package} is not here: apt-get install {package}"
        pytest.fail(advice) if os.environ.get("CI") == "true" else pytest.skip(advice)
