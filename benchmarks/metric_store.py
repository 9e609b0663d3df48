"""The store of metrics in SQLite by itself: `python -m benchmarks.metric_store`.

An hour of 10,000 series, measured every 15 seconds, of the kinds that a shop's services have.
"""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.figures import Figure, at_least, at_most
from telemetry.store.frames import Batch, Matcher, Values
from telemetry.store.metrics import MetricStore
from telemetry.store.opening import open_metrics

SERIES, TURNS = 10_000, 240
EVERY_MS = 15_000
HOUR_MS = 3_600_000
START_MS = 497_000 * HOUR_MS
END_MS = START_MS + HOUR_MS
ALL = [Matcher("__name__", "=", "http_requests_total")]
ONE = [*ALL, Matcher("path", "=", "/orders/77")]
KINDS = {"counter": 0.4, "buckets": 0.3, "gauge": 0.2, "idle": 0.05, "sum": 0.05}


def measure(file: Path) -> Iterator[Figure]:
    names, measured = labels(), values()
    with closing(open_metrics(f"sqlite:///{file}")) as store:
        seconds = _took(partial(_append, store, names, measured, 0, SERIES))
        yield at_most("first batch of 10,000 new series", seconds * 1000, 2_000, "ms")
        of_series = _bytes_in_use(file)
        yield Figure("on disk, for a series", f"{of_series / SERIES:,.0f} bytes")
        for size, turns in ((10_000, range(1, 120)), (2_000, range(120, TURNS))):
            seconds = sum(_took(partial(_append, store, names, measured, n, size)) for n in turns)
            rate = len(turns) * SERIES / seconds
            yield at_least(f"appended in batches of {size:,}", rate, 200_000, "samples/s")
        yield from _asking(store, "fresh", one=60, many=400)
        yield from _compacting(store, file)
        taken = (_bytes_in_use(file) - of_series) / SERIES / TURNS
        yield Figure("on disk, compacted", f"{taken:.2f} bytes/sample", "at most 2.5", taken <= 2.5)
        yield from _asking(store, "compacted", one=1, many=100)


def _append(
    store: MetricStore, labels: list[dict[str, str]], values: Values, turn: int, size: int
) -> None:
    for begin in range(0, SERIES, size):
        at_ms = np.full(size, START_MS + turn * EVERY_MS)
        mine = slice(begin, begin + size)
        store.append(Batch(labels[mine], np.arange(size), at_ms, values[turn, mine]))


def _asking(store: MetricStore, state: str, *, one: float, many: float) -> Iterator[Figure]:
    for what, matchers, series, limit in (
        ("one series", ONE, 1, one),
        ("10,000 series", ALL, SERIES, many),
    ):
        (frame,) = store.select(matchers, START_MS, END_MS)
        if frame.values.shape != (series, TURNS):
            raise AssertionError(f"{frame.values.shape} instead of {(series, TURNS)}")
        ask = partial(store.select, matchers, START_MS, END_MS)
        seconds = min(_took(ask) for _ in range(7))
        yield at_most(f"an hour of {what}, {state}", seconds * 1000, limit, "ms")


def _compacting(store: MetricStore, file: Path) -> Iterator[Figure]:
    with _writing_beside(file) as waits:
        seconds = _took(partial(_compact, store))
    yield at_most("an hour of 2.4 million samples, compacted in", seconds, 10, "s")
    yield at_most("longest wait of a writer meanwhile", max(waits) * 1000, 200, "ms")


def _compact(store: MetricStore) -> None:
    """What came is packed, and an hour later settled."""
    for now_ms in (END_MS, END_MS + HOUR_MS):
        while not store.compact(now_ms).is_done:
            pass


@contextmanager
def _writing_beside(file: Path) -> Iterator[list[float]]:
    """How long another connection waited each time it wanted to write."""
    waits: list[float] = []
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as connection:
            while not stop.wait(0.005):
                waits.append(_took(lambda: connection.execute("BEGIN IMMEDIATE")))
                connection.execute("COMMIT")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield waits
    finally:
        stop.set()
        writer.join()


def _bytes_in_use(file: Path) -> int:
    """Without the pages that held fresh samples and wait for the next ones."""
    with closing(sqlite3.connect(file)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def labels() -> list[dict[str, str]]:
    return [
        {
            "__name__": "http_requests_total",
            "job": "shop",
            "instance": f"10.0.0.{number % 50}:9100",
            "method": "GET",
            "code": "200",
            "path": f"/orders/{number}",
        }
        for number in range(SERIES)
    ]


def values() -> Values:
    """Of all series at every turn, in the order of the shares in KINDS."""
    random = np.random.default_rng(1)
    counts = {kind: round(share * SERIES) for kind, share in KINDS.items()}
    requests = random.poisson(random.gamma(1, 5, counts["buckets"]), (TURNS, counts["buckets"]))
    parts = {
        "counter": np.cumsum(random.poisson(30, (TURNS, counts["counter"])), axis=0),
        "buckets": np.cumsum(requests, axis=0),
        "gauge": np.round(50 + np.cumsum(random.normal(0, 0.5, (TURNS, counts["gauge"])), 0), 2),
        "idle": np.full((TURNS, counts["idle"]), 3.0),
        "sum": np.cumsum(random.gamma(2, 0.1, (TURNS, counts["sum"])), axis=0),
    }
    return np.hstack([parts[kind].astype(np.float64) for kind in KINDS])


def _took(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"{machine.describe()}\n\n| measured | value | goal | met |\n|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="console-bench-") as scratch:
        for figure in measure(Path(scratch) / "metrics.sqlite3"):
            print(figure.as_row(), flush=True)  # noqa: T201
