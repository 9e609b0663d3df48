"""What the console costs while nothing happens: memory and CPU of all its processes."""

import time

from benchmarks.console import Console
from benchmarks.figures import Figure, at_most
from benchmarks.load_alerts import tree, usage

SECONDS = 60
QUIET_AFTER_SECONDS = 10


def measure(console: Console) -> list[Figure]:
    time.sleep(QUIET_AFTER_SECONDS)
    before, _ = usage([console.process.pid])
    time.sleep(SECONDS)
    after, megabytes = usage([console.process.pid])
    count = len(tree([console.process.pid]))
    return [
        at_most(f"memory of all {count} processes when idle (PSS)", megabytes, 400, "MB"),
        at_most("CPU of one core when idle", 100 * (after - before) / SECONDS, 2, "%"),
    ]
