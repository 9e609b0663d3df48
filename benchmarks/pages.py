"""How long the server takes for the pages people look at, with 100,000 alerts behind them."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence

import httpx

from benchmarks.console import ROOT, Console
from benchmarks.figures import Figure, at_most, percentile

TIMES = 100


def _fill(console: Console) -> None:
    command = [sys.executable, "-m", "benchmarks.seed"]
    subprocess.run(command, cwd=ROOT, env=console.environment, check=True)  # noqa: S603


def measure(console: Console) -> list[Figure]:
    _fill(console)
    with contextlib.closing(console.sign_in()) as person:
        numbers = range(1, 10_000, 10_000 // TIMES)
        lists = ["/incidents/", "/incidents/?q=severity%3Acritical", "/incidents/?status=resolved"]
        return [
            *_timed("list page", person, [lists[n % 3] for n in range(TIMES)], 300),
            *_timed("incident page", person, [f"/incidents/INC-{n}/" for n in numbers], 400),
        ]


def _timed(what: str, person: httpx.Client, paths: Sequence[str], limit: float) -> list[Figure]:
    person.get(paths[0]).raise_for_status()
    milliseconds = [_milliseconds(person, path) for path in paths]
    p50, p95 = (percentile(milliseconds, percent) for percent in (50, 95))
    size = "100,000 alerts in 10,000 incidents"
    return [
        Figure(f"{what}, {size}, p50", f"{p50:,.0f} ms"),
        at_most(f"{what}, {size}, p95", p95, limit, "ms"),
    ]


def _milliseconds(person: httpx.Client, path: str) -> float:
    started_at = time.perf_counter()
    answer = person.get(path)
    if answer.status_code != httpx.codes.OK:
        raise SystemExit(f"{path} answered {answer.status_code}")
    return (time.perf_counter() - started_at) * 1000
