"""How the estate is, asked of supervisord and of the services themselves."""

import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from aiops_site.estate import state as state_file
from aiops_site.estate import supervisord
from aiops_site.estate.conditions import judge
from aiops_site.estate.layout import SERVICE_NAMES, Fault
from aiops_site.estate.looking import look
from aiops_site.estate.state import EstateState


class ServiceStatus(TypedDict):
    """`state` is supervisord's word; `pid` is None while there is no process."""

    state: str
    pid: int | None
    port: int
    fault: str | None
    healthy: bool


class EstateStatus(TypedDict):
    running: bool
    services: dict[str, ServiceStatus]


def status_of(data_dir: Path) -> EstateStatus:
    """As `status`, also where no estate was ever started."""
    try:
        return status(state_file.read(data_dir))
    except state_file.EstateNotRunning:
        return {"running": False, "services": {}}


def status(state: EstateState) -> EstateStatus:
    """Takes as long as one probe's timeout when a service hangs."""
    try:
        processes = supervisord.ask(state, "getAllProcessInfo")
    except (OSError, xmlrpc.client.Error):
        return {"running": False, "services": {}}
    by_name = {process["name"]: process for process in processes}
    with ThreadPoolExecutor(len(SERVICE_NAMES)) as pool:
        answers = pool.map(partial(_service_status, state, by_name), SERVICE_NAMES)
    return {"running": True, "services": dict(zip(SERVICE_NAMES, answers, strict=True))}


def _service_status(
    state: EstateState, processes: dict[str, dict[str, Any]], service: str
) -> ServiceStatus:
    process = processes[service]
    answer = ServiceStatus(
        state=process["statename"],
        pid=process["pid"] or None,
        port=state.ports[service],
        fault=None,
        healthy=False,
    )
    if process["statename"] == "EXITED":
        return {**answer, "fault": Fault.CRASH}
    if _is_stopped_by_signal(process["pid"]):
        return {**answer, "fault": Fault.HANG}
    probe = look(state.ports[service])
    if probe.report is None:
        return answer
    fault: str | None = probe.report["fault"]
    return {**answer, "fault": fault, "healthy": not fault and not judge(service, probe)}


def _is_stopped_by_signal(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] == "T"
