"""What the estate's processes and the console must both know, in one private file."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STATE_FILE = "state.json"
CONFIG_FILE = "supervisord.conf"
PID_FILE = "supervisord.pid"
STOCK_FILE = "stock.json"
ALERTS_FILE = "alerts.json"
LOGS = "logs"


class EstateNotRunning(Exception):
    """No estate has been started in this data folder."""


@dataclass(frozen=True, slots=True)
class EstateState:
    """Secrets are left out of its repr; the file that holds them is readable by its owner only."""

    folder: Path
    console_url: str
    ports: dict[str, int]
    supervisor_url: str
    owner_pid: int
    supervisord_pid: int = 0
    supervisor_username: str = "estate"
    supervisor_password: str = field(default="", repr=False)
    control_token: str = field(default="", repr=False)
    alert_token: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)


def folder_of(data_dir: Path) -> Path:
    return data_dir.resolve() / "estate"


def read(data_dir: Path) -> EstateState:
    """The running estate of a data folder.

    Raises:
        EstateNotRunning: nothing was started here, or it has been stopped.
    """
    return read_file(folder_of(data_dir) / STATE_FILE)


def read_file(path: Path) -> EstateState:
    """As `read`, for a process that was told where the file itself is."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise EstateNotRunning("The sample estate is not running.") from error
    return EstateState(**{**fields, "folder": Path(fields["folder"])})


def write(state: EstateState) -> None:
    fields = asdict(state) | {"folder": str(state.folder)}
    write_private(state.folder / STATE_FILE, json.dumps(fields, indent=2))


def write_private(path: Path, text: str) -> None:
    """Replaces the file whole, mode 0600; a reader never sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def remove(folder: Path) -> None:
    """Deletes what a running estate keeps; not its logs, nor alerts it still has to resolve."""
    for name in (STATE_FILE, CONFIG_FILE, PID_FILE, STOCK_FILE):
        (folder / name).unlink(missing_ok=True)
    for draft in folder.glob("*.draft"):
        draft.unlink(missing_ok=True)
