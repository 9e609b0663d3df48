"""Several processes at one store, and one of them killed."""

import random
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest

from telemetry.store.frames import Batch, Frame
from telemetry.store.opening import open_metrics

NOON_MS = 20_000 * 86_400_000 + 12 * 3_600_000
ALWAYS = (0, 2**61)
SERIES = 20
BATCHES = 80

APPENDING = f"""
import sys
import numpy as np
from telemetry.store.frames import Batch
from telemetry.store.opening import open_metrics

url, name = sys.argv[1:]
store = open_metrics(url)
labels = [{{"__name__": "m", "n": str(n), "from": name}} for n in range({SERIES})]
labels += [{{"__name__": "m", "n": str(n), "from": "both"}} for n in range({SERIES})]
for turn in range({BATCHES}):
    series = np.arange(len(labels))
    at_ms = np.full(len(labels), {NOON_MS} + turn * 60_000)
    store.append(Batch(labels, series, at_ms, series + turn * 1000.0))
"""

COMPACTING = """
import sys
from telemetry.store import compaction
from telemetry.store.opening import open_metrics

url, now_ms = sys.argv[1], int(sys.argv[2])
compaction.SAMPLES_A_STEP = 500
store = open_metrics(url)
print("at work", flush=True)
while True:
    store.compact(now_ms)
    now_ms += 60_000
"""


@contextmanager
def running(code: str, *arguments: str):
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def by_sender(frames: list[Frame]):
    """The values at each time, for each label `from`."""
    found: dict = {}
    for frame in frames:
        for labels, values in zip(frame.labels, frame.values, strict=True):
            for at_ms, value in zip(frame.at_ms.tolist(), values.tolist(), strict=True):
                found.setdefault(labels["from"], {}).setdefault(at_ms, []).append(value)
    return found


def test_processes_that_append_and_compact_at_once_lose_and_double_nothing(records_url):
    late = str(NOON_MS + 12 * 3_600_000)
    with (
        closing(open_metrics(records_url)) as store,
        running(COMPACTING, records_url, late),
        running(COMPACTING, records_url, late),
        running(APPENDING, records_url, "a") as a,
        running(APPENDING, records_url, "b") as b,
    ):
        while a.poll() is None or b.poll() is None:
            seen = by_sender(store.select([], *ALWAYS))
            assert all(len(values) == SERIES for at in seen.values() for values in at.values())
        found = by_sender(store.select([], *ALWAYS))

    assert (a.returncode, b.returncode) == (0, 0)
    for sender, first in (("a", 0), ("b", 0), ("both", SERIES)):
        assert found[sender] == {
            NOON_MS + turn * 60_000: [n + turn * 1000.0 for n in range(first, first + SERIES)]
            for turn in range(BATCHES)
        }


def test_a_compaction_killed_at_any_moment_loses_and_doubles_nothing(records_url):
    moment = random.Random(7)  # noqa: S311
    values = np.zeros((0, SERIES))
    with closing(open_metrics(records_url)) as store:
        for killing in range(8):
            begin = len(values)
            values = np.vstack([values, np.random.default_rng(killing).normal(size=(40, SERIES))])
            append(store, values, begin)
            now_ms = NOON_MS + (killing + 4) * 3_600_000
            with running(COMPACTING, records_url, str(now_ms)) as compacting:
                assert compacting.stdout.readline() == "at work\n"
                time.sleep(moment.random() * 0.2)

            (frame,) = store.select([], *ALWAYS)

            assert np.array_equal(frame.values, values.T)
        assert store.compact(now_ms + 86_400_000).is_done
        assert store.size().samples == values.size


def append(store, values, begin):
    labels = [{"__name__": "m", "n": str(n)} for n in range(SERIES)]
    for turn in range(begin, len(values)):
        at_ms = np.full(SERIES, NOON_MS + turn * 60_000)
        store.append(Batch(labels, np.arange(SERIES), at_ms, values[turn]))


@pytest.mark.parametrize("killed_after_ms", [0, 20, 60])
def test_an_append_killed_at_any_moment_is_there_whole_or_not_at_all(records_url, killed_after_ms):
    with closing(open_metrics(records_url)) as store:
        with running(APPENDING, records_url, "a") as appending:
            while not store.select([], *ALWAYS) and appending.poll() is None:
                time.sleep(0.005)
            time.sleep(killed_after_ms / 1000)

        found = by_sender(store.select([], *ALWAYS))

    assert found["a"].keys() == found["both"].keys()
    assert all(len(values) == SERIES for at in found.values() for values in at.values())
