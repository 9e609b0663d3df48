"""Starts, stops and asks the supervisord that runs the estate's processes."""

import json
import os
import secrets
import signal
import socket
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from aiops_site.estate import configuration
from aiops_site.estate import state as state_file
from aiops_site.estate.layout import LOOPBACK, SERVICE_NAMES
from aiops_site.estate.state import EstateState

_PROJECT = Path(__file__).resolve().parents[2]
_RPC_TIMEOUT_SECONDS = 10.0
_START_TIMEOUT_SECONDS = 15.0
_STOP_TIMEOUT_SECONDS = 6.0


class EstateFailedToStart(Exception):
    """supervisord ended, or did not answer in time; its log says why."""


class EstateAlreadyRunning(Exception):
    """Another console runs an estate in this data folder."""


class _TimedTransport(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = _RPC_TIMEOUT_SECONDS
        return connection


def ask(state: EstateState, method: str, *arguments: object) -> Any:
    """Calls one method of supervisord's XML-RPC interface, such as `startProcess`.

    Raises OSError when nobody answers, xmlrpc.client.Error when the answer is no.
    """
    credentials = f"{state.supervisor_username}:{state.supervisor_password}@"
    url = state.supervisor_url.replace("://", f"://{credentials}", 1)
    with xmlrpc.client.ServerProxy(url, transport=_TimedTransport()) as proxy:
        return getattr(proxy, f"supervisor.{method}")(*arguments)


def start(data_dir: Path, console_url: str, alert_token: str, metrics_token: str) -> EstateState:
    """Starts the estate for as long as this process lives, and returns once supervisord answers.

    Its services need about a second more. What an earlier console left behind is stopped first.
    Raises EstateAlreadyRunning while that console is alive, and EstateFailedToStart.
    """
    folder = state_file.folder_of(data_dir)
    _make_way(data_dir)
    (folder / state_file.LOGS).mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    state = _new_state(folder, console_url.rstrip("/"), alert_token, metrics_token)
    state_file.write(state)
    state_file.write_private(folder / state_file.STOCK_FILE, json.dumps({"mug": 40, "pen": 120}))
    state_file.write_private(folder / state_file.CONFIG_FILE, configuration.render(state))
    state = replace(state, supervisord_pid=_spawn(state))
    state_file.write(state)
    _wait_until_it_answers(state)
    return state


def stop(data_dir: Path, *, remove_logs: bool = False) -> None:
    """Stops every process of the estate and removes its files; does nothing when there is none.

    Alerts that could not be delivered as resolved any more are kept for the next start.
    """
    try:
        state = state_file.read(data_dir)
    except state_file.EstateNotRunning:
        return
    _ask_to_stop(state)
    if not _wait(lambda: has_ended(state), _STOP_TIMEOUT_SECONDS):
        os.kill(state.supervisord_pid, signal.SIGKILL)
        _wait(lambda: has_ended(state), _STOP_TIMEOUT_SECONDS)
    state_file.remove(state.folder)
    if remove_logs:
        _remove_logs(state.folder)


def has_ended(state: EstateState) -> bool:
    """Whether the estate's supervisord is gone; reaps it when it is a child of this process."""
    if not state.supervisord_pid:
        return True
    try:
        ended, _ = os.waitpid(state.supervisord_pid, os.WNOHANG)
    except ChildProcessError:
        return not _is_supervisord_of(state)
    return ended == state.supervisord_pid


def _make_way(data_dir: Path) -> None:
    try:
        earlier = state_file.read(data_dir)
    except state_file.EstateNotRunning:
        return
    if not has_ended(earlier) and Path(f"/proc/{earlier.owner_pid}").exists():
        raise EstateAlreadyRunning(f"An estate of process {earlier.owner_pid} is running here.")
    stop(data_dir)


def _new_state(folder: Path, console_url: str, alert_token: str, metrics_token: str) -> EstateState:
    supervisor_port, *ports = _free_ports(1 + len(SERVICE_NAMES))
    return EstateState(
        folder=folder,
        console_url=console_url,
        ports=dict(zip(SERVICE_NAMES, ports, strict=True)),
        supervisor_url=f"http://{LOOPBACK}:{supervisor_port}/RPC2",
        owner_pid=os.getpid(),
        supervisor_password=secrets.token_hex(16),
        control_token=secrets.token_hex(16),
        alert_token=alert_token,
        metrics_token=metrics_token,
    )


def _free_ports(count: int) -> list[int]:
    """Ports of the system's choice, all different."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports: list[int] = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def _spawn(state: EstateState) -> int:
    """In a session of its own: Ctrl-C in a terminal is for the console, which then stops us."""
    log = str(state.folder / state_file.LOGS / "keeper.log")
    words = [sys.executable, "-P", "-m", "aiops_site.estate.keeper", "--parent", str(os.getpid())]
    words += ["--config", str(state.folder / state_file.CONFIG_FILE)]
    return os.posix_spawn(
        sys.executable,
        words,
        _environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _environment() -> dict[str, str]:
    """Without the console's own, which has its secrets; one malloc arena saves memory."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PROJECT),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "1",
    }


def _wait_until_it_answers(state: EstateState) -> None:
    if not _wait(lambda: has_ended(state) or _answers(state), _START_TIMEOUT_SECONDS):
        stop(state.folder.parent)
        raise EstateFailedToStart(f"supervisord does not answer; see {state.folder}/logs.")
    if not _answers(state):
        state_file.remove(state.folder)
        raise EstateFailedToStart(f"supervisord ended at once; see {state.folder}/logs.")


def _answers(state: EstateState) -> bool:
    try:
        return bool(ask(state, "getState")["statename"] == "RUNNING")
    except (OSError, xmlrpc.client.Error):
        return False


def _ask_to_stop(state: EstateState) -> None:
    """All processes at once first: supervisord's own shutdown stops them one after another."""
    if has_ended(state):
        return
    try:
        ask(state, "stopAllProcesses")
        ask(state, "shutdown")
    except (OSError, xmlrpc.client.Error):
        os.kill(state.supervisord_pid, signal.SIGTERM)


def _is_supervisord_of(state: EstateState) -> bool:
    try:
        command = Path(f"/proc/{state.supervisord_pid}/cmdline").read_bytes()
    except OSError:
        return False
    return str(state.folder).encode() in command


def _wait(is_so: Callable[[], bool], seconds: float) -> bool:
    give_up_at = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def _remove_logs(folder: Path) -> None:
    logs = folder / state_file.LOGS
    for log in logs.glob("*"):
        log.unlink()
    logs.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
