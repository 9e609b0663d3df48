"""`python -m benchmarks` measures all; `python -m benchmarks live intake` those two parts."""

import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import dashboards, idle, intake, live, machine, pages, telemetry, topology
from benchmarks.console import Console
from benchmarks.figures import Figure, at_most

PARTS: dict[str, Callable[[Console], list[Figure]]] = {
    "idle": idle.measure,
    "live": live.measure,
    "intake": intake.measure,
    "pages": pages.measure,
    "telemetry": telemetry.measure,
    "topology": topology.measure,
    "dashboards": dashboards.measure,
}


def main(chosen: list[str]) -> None:
    print(f"{machine.describe()}\n\n| measured | value | goal | met |\n|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="console-bench-") as scratch:
        _start_twice(Path(scratch) / "empty")
        for name in chosen:
            with Console(Path(scratch) / name) as console:
                console.make_person()
                _show(PARTS[name](console))


def _start_twice(folder: Path) -> None:
    with Console(folder) as cold:
        _show([at_most("first start, with an empty folder", cold.seconds_to_ready, 60, "s")])
    with Console(folder) as warm:
        _show([at_most("next start", warm.seconds_to_ready, 5, "s")])


def _show(figures: Iterable[Figure]) -> None:
    for figure in figures:
        print(figure.as_row(), flush=True)  # noqa: T201


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that its consoles end with it
    main(sys.argv[1:] or list(PARTS))
