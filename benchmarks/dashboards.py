"""How long the server takes for a dashboard of ten panels: `python -m benchmarks dashboards`.

An hour of 20 services' request histograms behind it, measured every 15 seconds, and a log. Every
panel is asked for as the page asks, one after the other and all at once.
"""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from benchmarks.console import Console
from benchmarks.figures import Figure, at_most, percentile
from telemetry.records import LogRecord
from telemetry.store.frames import Batch
from telemetry.store.logs import open_logs
from telemetry.store.opening import open_metrics

SERVICES, BUCKETS, EVERY_MS = 20, 15, 15_000
TURNS, AHEAD = 280, 40  # the measurement takes a while, and looks at now
LOG_LINES = 50_000
TIMES = 20
METRIC = "http_server_request_duration_seconds"
OF_ALL = f'{METRIC}_count{{job=~"$service"}}'
RATE = f"sum by (job) (rate({OF_ALL}[$__rate_interval]))"
P95 = (
    f"histogram_quantile(0.95, sum by (job, le) "
    f'(rate({METRIC}_bucket{{job=~"$service"}}[$__rate_interval])))'
)
SHARE = f"{RATE} / on() group_left() sum(rate({OF_ALL}[$__rate_interval]))"


def measure(console: Console) -> list[Figure]:
    _fill(console.data_dir)
    address = _make(console)
    with contextlib.closing(console.sign_in()) as person:
        query = "?from=now-1h&to=now&var-service=$__all"
        page = f"{address}{query}"
        panels = [f"{address}panels/{number}/{query}" for number in range(1, 11)]
        for path in (page, *panels):
            _milliseconds(person, path)
        in_turn = [sum(_milliseconds(person, path) for path in panels) for _ in range(TIMES)]
        at_once = [_all_at_once(person, panels) for _ in range(TIMES)]
        alone = [_milliseconds(person, page) for _ in range(TIMES)]
    return [
        Figure("dashboard, page without its panels, p95", f"{percentile(alone, 95):,.0f} ms"),
        at_most("dashboard, 10 panels in turn, p50", percentile(in_turn, 50), 500, "ms"),
        at_most("dashboard, 10 panels in turn, p95", percentile(in_turn, 95), 500, "ms"),
        at_most("dashboard, 10 panels at once, p95", percentile(at_once, 95), 500, "ms"),
    ]


def _fill(data_dir: Path) -> None:
    url = f"sqlite:///{data_dir / 'telemetry.sqlite3'}"
    now_ms = int(time.time() * 1000)
    names = [f"service-{number:02d}" for number in range(SERVICES)]
    labels = [{"__name__": f"{METRIC}_count", "job": name} for name in names] + [
        {"__name__": f"{METRIC}_bucket", "job": name, "le": bound}
        for name in names
        for bound in (*(f"{0.005 * 2**bucket:g}" for bucket in range(BUCKETS)), "+Inf")
    ]
    pace = np.arange(1, len(labels) + 1) * 0.7
    with contextlib.closing(open_metrics(url)) as store:
        for turn in range(TURNS):
            at_ms = np.full(len(labels), now_ms - (TURNS - AHEAD - turn) * EVERY_MS)
            values = pace * turn * EVERY_MS / 1000
            store.append(Batch(labels, np.arange(len(labels)), at_ms, values))
        store.compact(now_ms)
    with contextlib.closing(open_logs(url)) as logs:
        begin_ns = (now_ms - 3_600_000) * 1_000_000
        step_ns = 3_600_000_000_000 // LOG_LINES
        logs.append(
            LogRecord(
                begin_ns + line * step_ns, names[line % SERVICES], 9 + line % 9, "card refused"
            )
            for line in range(LOG_LINES)
        )


def _make(console: Console) -> str:
    """The dashboard's address."""
    charts = [(RATE, "/s"), (P95, "s"), (SHARE, ""), (f"topk(5, {RATE})", "/s")]
    panels: list[dict[str, object]] = [
        {"type": "metric", "queries": [{"expr": expr}], "unit": unit} for expr, unit in charts
    ]
    panels += [
        {"type": kind, "queries": [{"expr": expr}]}
        for kind, expr in (("stat", f"sum({RATE})"), ("stat", P95), ("table", P95))
    ]
    panels += [
        {"type": "logs", "text": "refused", "least": "warning"},
        {"type": "incidents"},
        {"type": "markdown", "text": "# Shop"},
    ]
    variable = {"name": "service", "kind": "label", "label": "job", "many": True}
    document = {"title": "Bench", "variables": [variable], "panels": panels}
    headers = {"Authorization": f"Bearer {console.api_token('dashboards')}"}
    url = f"{console.url}/api/v1/dashboards/"
    body = {"document": document, "is_shared": True}
    made = httpx.post(url, json=body, headers=headers, timeout=30).raise_for_status()
    return f"/dashboards/{made.json()['slug']}/"


def _all_at_once(person: httpx.Client, paths: list[str]) -> float:
    """As a browser does, six at a time."""
    started_at = time.perf_counter()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda path: _milliseconds(person, path), paths))
    return (time.perf_counter() - started_at) * 1000


def _milliseconds(person: httpx.Client, path: str) -> float:
    started_at = time.perf_counter()
    answer = person.get(path, headers={"HX-Request": "true"})
    if answer.status_code != httpx.codes.OK or "No data in this range" in answer.text:
        raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:500]}")
    return (time.perf_counter() - started_at) * 1000
