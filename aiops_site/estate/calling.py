"""One service calls another over loopback, and measures what it had to wait for."""

import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from aiops_site.estate.layout import LOOPBACK
from aiops_site.estate.metering import Meters
from aiops_site.estate.symptoms import Symptoms
from aiops_site.estate.tracing import Tracer, carried, end_with
from aiops_site.estate.window import Window

PEER_TIMEOUT_SECONDS = 2.0
DEADLINE_HEADER = "X-Timeout-Seconds"
REQUEST_ID_HEADER = "X-Request-Id"
_MARGIN_SECONDS = 0.1
_LEAST_SECONDS = 0.05


class PeerFailed(Exception):
    """A peer answered with an error, late, or not at all; carries the status to answer with."""

    def __init__(self, peer: str, reason: str, status: HTTPStatus = HTTPStatus.BAD_GATEWAY) -> None:
        super().__init__(f"{peer}: {reason}")
        self.peer = peer
        self.reason = reason
        self.status = status


def fetch(port: int, path: str, *, timeout: float, request_id: str = "") -> int:
    """GETs a path of a process of the estate and returns its status.

    Tells the peer to give up a little before we do, so that the one next to the trouble reports it.
    Raises OSError or HTTPException when there is no answer.
    """
    connection = HTTPConnection(LOOPBACK, port, timeout=timeout)
    budget = max(timeout - _MARGIN_SECONDS, _LEAST_SECONDS)
    try:
        headers = {REQUEST_ID_HEADER: request_id, DEADLINE_HEADER: f"{budget:.3f}"}
        connection.request("GET", path, headers=headers | carried())
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class Peers:
    """The services one process calls."""

    def __init__(
        self, ports: dict[str, int], meters: Meters, tracer: Tracer, symptoms: Symptoms
    ) -> None:
        self._ports = ports
        self._meters = meters
        self._tracer = tracer
        self._symptoms = symptoms
        self._windows: dict[str, Window] = {}

    def window(self, dependency: str) -> Window:
        return self._windows.setdefault(dependency, Window())

    def summary(self) -> dict[str, dict[str, float]]:
        return {name: window.summary() for name, window in list(self._windows.items())}

    def call(self, peer: str, path: str, *, deadline: float, request_id: str) -> None:
        """Calls a peer, once more if it answered 500; `deadline` is on the monotonic clock.

        Raises PeerFailed.
        """
        status = self._traced(peer, path, deadline, request_id)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            status = self._traced(peer, path, deadline, request_id)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerFailed(peer, f"answered {status}")

    def _traced(self, peer: str, path: str, deadline: float, request_id: str) -> int:
        with self._tracer.calling(peer, path) as span:
            status = self._attempt(peer, path, deadline, request_id)
            end_with(span, status)
            return status

    def _attempt(self, peer: str, path: str, deadline: float, request_id: str) -> int:
        started = time.monotonic()
        timeout = max(min(PEER_TIMEOUT_SECONDS, deadline - started), _LEAST_SECONDS)
        is_reached = False
        status = int(HTTPStatus.BAD_GATEWAY)
        try:
            status = self._reach(peer, path, timeout, request_id)
            is_reached = True
        except TimeoutError as error:
            raise PeerFailed(peer, "timed out", HTTPStatus.GATEWAY_TIMEOUT) from error
        except (OSError, HTTPException) as error:
            raise PeerFailed(peer, "unreachable") from error
        finally:
            self.window(peer).add(failed=not is_reached)
            is_failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
            self._meters.called(peer, seconds=time.monotonic() - started, failed=is_failed)
        return status

    def _reach(self, peer: str, path: str, timeout: float, request_id: str) -> int:
        if self._symptoms.hides(peer):
            raise ConnectionRefusedError(peer)
        return fetch(self._ports[peer], path, timeout=timeout, request_id=request_id)
