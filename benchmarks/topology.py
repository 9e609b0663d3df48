"""How long the server takes to draw the map of a thousand services, by the page itself."""

import contextlib
import subprocess
import sys
import time

import httpx

from benchmarks.console import ROOT, Console
from benchmarks.figures import Figure, at_most, percentile

TIMES = 20
LIMIT_MS = 300
SIZE = "1,000 services, 5,000 calls"
PAGES = {
    "map, grouped by owner": "/services/map/",
    "map around one service": "/services/map/?focus=seeded-500&depth=2",
    "list of services": "/services/",
    "weak points": "/services/map/weak-points/",
}
ALL = "/services/map/?group=none"


def measure(console: Console) -> list[Figure]:
    command = [sys.executable, "-m", "benchmarks.seed_topology"]
    subprocess.run(command, cwd=ROOT, env=console.environment, check=True)  # noqa: S603
    with contextlib.closing(console.sign_in()) as person:
        figures = [
            at_most(f"{what}, {SIZE}, p95", _p95(person, path), LIMIT_MS, "ms")
            for what, path in PAGES.items()
        ]
        everything = f"{_p95(person, ALL):,.0f} ms"
        return [*figures, Figure(f"map, all drawn one by one, {SIZE}, p95", everything)]


def _p95(person: httpx.Client, path: str) -> float:
    """Milliseconds."""
    person.get(path).raise_for_status()
    return percentile([_milliseconds(person, path) for _ in range(TIMES)], 95)


def _milliseconds(person: httpx.Client, path: str) -> float:
    started_at = time.perf_counter()
    person.get(path).raise_for_status()
    return (time.perf_counter() - started_at) * 1000
