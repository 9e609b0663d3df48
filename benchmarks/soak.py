"""Memory while telemetry keeps coming: `python -m benchmarks.soak`, for ten minutes."""

import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import httpx

from benchmarks import machine, telemetry
from benchmarks.console import Console
from benchmarks.figures import Figure
from benchmarks.load_alerts import usage

MINUTES = 10
WARM_MINUTES = 3
TURN_SECONDS = 1.0
MOST_GROWTH = 0.05


def measure(console: Console, minutes: int) -> Iterator[Figure]:
    """Of all processes together, each minute; flat is what grew by less than 5 % after warming."""
    measured = []
    with httpx.Client(base_url=console.url, timeout=60) as client:
        sending = _sending(client, console)
        for _ in range(minutes):
            ends_at = time.monotonic() + 60
            while time.monotonic() < ends_at:
                next(sending)
            measured.append(usage([console.process.pid])[1])
            yield Figure(f"memory after {len(measured)} min", f"{measured[-1]:,.0f} MB")
    growth = measured[-1] / measured[min(WARM_MINUTES, minutes) - 1] - 1
    yield Figure(
        f"growth after {WARM_MINUTES} min", f"{growth:.1%}", "at most 5 %", growth <= MOST_GROWTH
    )


def _sending(client: httpx.Client, console: Console) -> Iterator[None]:
    """Each turn 2,000 samples, 1,000 log lines and 1,000 spans."""
    samples = cycle(telemetry.bodies(int(time.time() - 3_700) * 1000))
    write = {"Authorization": f"Bearer {console.token_of('prometheus', 'soak-write')}"}
    otlp = {"Authorization": f"Bearer {console.token_of('otlp', 'soak-otlp')}"}
    posts = telemetry.WRITING | write, telemetry.OTLP | otlp
    for number in count():
        began = time.monotonic()
        _post(client, telemetry.WRITE_PATH, next(samples), posts[0])
        _post(client, "/v1/logs", telemetry.logs(number), posts[1])
        _post(client, "/v1/traces", telemetry.spans(number), posts[1])
        time.sleep(max(0.0, began + TURN_SECONDS - time.monotonic()))
        yield


def _post(client: httpx.Client, path: str, body: bytes, headers: dict[str, str]) -> None:
    client.post(path, content=body, headers=headers).raise_for_status()


if __name__ == "__main__":
    print(f"{machine.describe()}\n\n| measured | value | goal | met |\n|---|---|---|---|")  # noqa: T201
    with (
        tempfile.TemporaryDirectory(prefix="console-soak-") as scratch,
        Console(Path(scratch)) as it,
    ):
        it.make_person()
        for figure in measure(it, int(sys.argv[1]) if sys.argv[1:] else MINUTES):
            print(figure.as_row(), flush=True)  # noqa: T201
