"""Runs supervisord for exactly as long as the process that started it is alive."""

import argparse
import os
import signal
from functools import partial
from pathlib import Path

from supervisor import supervisord  # type: ignore[import-untyped]

from aiops_site.estate import lifeline, state


def _vanish(folder: Path) -> None:
    """Leaves no file, and no process: the kernel kills the children of a killed supervisord."""
    state.remove(folder)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    os.chdir(options.config.parent)
    os.environ[lifeline.PARENT_VARIABLE] = str(os.getpid())
    lifeline.watch_parent(options.parent, partial(_vanish, options.config.parent))
    supervisord.main(["--nodaemon", "--configuration", str(options.config)])


if __name__ == "__main__":
    main()
