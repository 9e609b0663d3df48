"""Breaks a service of the estate on demand, and mends it."""

import signal
import time
import xmlrpc.client
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from aiops_site.estate import supervisord
from aiops_site.estate.layout import FAULT_PATH, LOOPBACK, SERVICE_NAMES, Fault
from aiops_site.estate.state import EstateNotRunning, EstateState

_CONTROL_TIMEOUT_SECONDS = 3.0
_SETTLE_SECONDS = 6.0


class UnknownService(Exception):
    """Not a service of the sample estate."""


class UnknownFault(Exception):
    """Not one of the faults the estate can have."""


class ServiceNotRunning(Exception):
    """A fault lives in a process, and this service has none: clear it first."""


def inject(state: EstateState, service: str, kind: str) -> None:
    """Gives the service a fault, in place of the one it may have.

    Raises UnknownService, UnknownFault, ServiceNotRunning, and EstateNotRunning.
    """
    _check_service(service)
    if kind not in set(Fault):
        raise UnknownFault(f"{kind!r} is not a fault; there are {', '.join(Fault)}.")
    if _settled_state(state, service) != "RUNNING":
        raise ServiceNotRunning(f"{service} is not running; clear its fault first.")
    _signal(state, service, signal.SIGCONT)
    if kind == Fault.HANG:
        _signal(state, service, signal.SIGSTOP)
    elif not _switch(state, service, "PUT", kind):
        raise ServiceNotRunning(f"{service} does not take a fault now; clear it first.")


def clear(state: EstateState, service: str | None = None) -> None:
    """Mends one service, or all. Starts one that crashed, restarts one that cannot be reached.

    Raises UnknownService and EstateNotRunning.
    """
    names = SERVICE_NAMES if service is None else (service,)
    for name in names:
        _check_service(name)
        _mend(state, name)


def _mend(state: EstateState, service: str) -> None:
    if _settled_state(state, service) != "RUNNING":
        _call(state, "startProcess", service)
        return
    _signal(state, service, signal.SIGCONT)
    if not _switch(state, service, "DELETE", ""):
        _call(state, "stopProcess", service)
        _call(state, "startProcess", service)


def _check_service(service: str) -> None:
    if service not in SERVICE_NAMES:
        known = ", ".join(SERVICE_NAMES)
        raise UnknownService(f"{service!r} is not a service of the estate; there are {known}.")


def _settled_state(state: EstateState, service: str) -> str:
    give_up_at = time.monotonic() + _SETTLE_SECONDS
    while True:
        name = str(_call(state, "getProcessInfo", service)["statename"])
        is_moving = name in {"STARTING", "STOPPING", "BACKOFF"}
        if not is_moving or time.monotonic() > give_up_at:
            return name
        time.sleep(0.1)


def _signal(state: EstateState, service: str, number: signal.Signals) -> None:
    _call(state, "signalProcess", service, number.name.removeprefix("SIG"))


def _call(state: EstateState, method: str, *arguments: str) -> Any:
    try:
        return supervisord.ask(state, method, *arguments)
    except OSError as error:
        raise EstateNotRunning("The sample estate is not running.") from error
    except xmlrpc.client.Fault as error:
        raise ServiceNotRunning(f"{arguments[0]}: {error.faultString}") from error


def _switch(state: EstateState, service: str, method: str, body: str) -> bool:
    """Whether the service itself took the change."""
    connection = HTTPConnection(LOOPBACK, state.ports[service], timeout=_CONTROL_TIMEOUT_SECONDS)
    headers = {"Authorization": f"Bearer {state.control_token}"}
    try:
        connection.request(method, FAULT_PATH, body.encode(), headers)
        return connection.getresponse().status < HTTPStatus.BAD_REQUEST
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
