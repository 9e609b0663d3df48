"""How requests reach a service of the shop: its routes, its health and its fault switch."""

import errno
import hmac
import json
import logging
import socket
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from aiops_site.estate.calling import DEADLINE_HEADER, PEER_TIMEOUT_SECONDS, REQUEST_ID_HEADER
from aiops_site.estate.layout import FAULT_PATH, HEALTH_PATH, LOOPBACK, Fault
from aiops_site.estate.symptoms import Symptoms

_BIND_PATIENCE_SECONDS = 10.0
_LARGEST_BODY_BYTES = 1000
_log = logging.getLogger(__name__)


class Answering(Protocol):
    """What a server serves."""

    symptoms: Symptoms

    def answer(
        self, path: str, *, budget: float, request_id: str, headers: Mapping[str, str]
    ) -> HTTPStatus: ...

    def report(self) -> Mapping[str, object]: ...


class ShopServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, shop: Answering, control_token: str) -> None:
        super().__init__((LOOPBACK, port), _Requests, bind_and_activate=False)
        self.shop = shop
        self.control_token = control_token
        self._bind_patiently()
        self.server_activate()

    def _bind_patiently(self) -> None:
        """While this process was down, an outgoing connection may have borrowed its port."""
        give_up_at = time.monotonic() + _BIND_PATIENCE_SECONDS
        while True:
            try:
                self.server_bind()
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.1)
            else:
                return

    def server_bind(self) -> None:
        """Without the base class's look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if isinstance(sys.exception(), ConnectionError):
            return  # the caller hung up, as one that timed out does
        _log.exception("request failed")


class _Requests(BaseHTTPRequestHandler):
    server: ShopServer
    timeout = 5
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == HEALTH_PATH:
            self.server.shop.symptoms.delay()
            self._reply(HTTPStatus.OK, self.server.shop.report())
            return
        status = self.server.shop.answer(
            self.path,
            budget=self._budget(),
            request_id=self.headers.get(REQUEST_ID_HEADER, ""),
            headers=dict(self.headers.items()),
        )
        self._reply(status, {"status": status.phrase})

    def do_PUT(self) -> None:
        """Switches a fault on; the body is its name."""
        if not self._is_permitted():
            return
        length = min(int(self.headers.get("Content-Length", 0)), _LARGEST_BODY_BYTES)
        fault = self.rfile.read(length).decode()
        if fault not in set(Fault):
            self._reply(HTTPStatus.BAD_REQUEST, {"error": "unknown fault"})
            return
        self.server.shop.symptoms.start(Fault(fault))
        self._reply(HTTPStatus.ACCEPTED, {"fault": fault})

    def do_DELETE(self) -> None:
        if self._is_permitted():
            self.server.shop.symptoms.clear()
            self._reply(HTTPStatus.OK, {"fault": None})

    def _is_permitted(self) -> bool:
        expected = f"Bearer {self.server.control_token}".encode()
        given = self.headers.get("Authorization", "").encode()
        is_permitted = self.path == FAULT_PATH and hmac.compare_digest(given, expected)
        if not is_permitted:
            self._reply(HTTPStatus.FORBIDDEN, {"error": "not permitted"})
        return is_permitted

    def _budget(self) -> float:
        try:
            return float(self.headers.get(DEADLINE_HEADER, PEER_TIMEOUT_SECONDS))
        except ValueError:
            return PEER_TIMEOUT_SECONDS

    def _reply(self, status: HTTPStatus, content: Mapping[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Requests are logged as JSON by the shop, not by the base class as text."""
