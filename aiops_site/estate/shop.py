"""One HTTP service of the shop: `python -m aiops_site.estate.shop checkout --state FILE`."""

import argparse
import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from aiops_site.estate import jsonlog, lifeline, state
from aiops_site.estate.calling import PEER_TIMEOUT_SECONDS, PeerFailed, Peers
from aiops_site.estate.layout import DISK, LOOPBACK, ROUTES, SERVICE_NAMES, UNTRACED
from aiops_site.estate.logexport import LogExport
from aiops_site.estate.metering import Meters, Origin, resident_bytes
from aiops_site.estate.serving import ShopServer
from aiops_site.estate.symptoms import Symptoms
from aiops_site.estate.tracing import Tracer, end_with
from aiops_site.estate.window import Window

_WORK_SECONDS = (0.004, 0.012)
_OWN_ERRORS = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
"""502 and 504 are a dependency's errors passed on."""
_log = logging.getLogger(__name__)


@dataclass
class Shop:
    """What one service does with a request, apart from how requests reach it."""

    name: str
    stock: Path
    meters: Meters
    tracer: Tracer
    symptoms: Symptoms
    peers: Peers
    requests: Window = field(default_factory=Window)
    own_errors: Window = field(default_factory=Window)

    def answer(
        self, path: str, *, budget: float, request_id: str, headers: Mapping[str, str]
    ) -> HTTPStatus:
        """Answers a customer's or a peer's request within `budget` seconds, and measures that.

        `headers` are the request's; they may say which span asks.
        """
        if path not in ROUTES[self.name]:
            return HTTPStatus.NOT_FOUND
        with self.tracer.serving(path, headers) as span:
            status = self._answer(path, budget, request_id)
            end_with(span, status)
            return status

    def _answer(self, path: str, budget: float, request_id: str) -> HTTPStatus:
        started = time.monotonic()
        self.meters.begin()
        self.symptoms.delay()
        status, reason = self._work(path, started + min(budget, PEER_TIMEOUT_SECONDS), request_id)
        seconds = time.monotonic() - started
        is_failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self.requests.add(failed=is_failed)
        self.own_errors.add(failed=status in _OWN_ERRORS)
        self.meters.end(route=path, seconds=seconds, failed=is_failed)
        self._log_request(path, status, seconds, request_id, reason)
        return status

    def report(self) -> dict[str, object]:
        """What this process knows of itself; asks no dependency."""
        return {
            "service": self.name,
            "fault": self.symptoms.fault,
            "memory_bytes": resident_bytes(),
            "requests": self.requests.summary(),
            "own_errors": self.own_errors.summary(),
            "dependencies": self.peers.summary(),
        }

    def _work(self, path: str, deadline: float, request_id: str) -> tuple[HTTPStatus, str]:
        time.sleep(random.uniform(*_WORK_SECONDS))  # noqa: S311 - the time work takes
        if self.symptoms.fails_now():
            return HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected state"
        try:
            for peer, peer_path in ROUTES[self.name][path]:
                self.peers.call(peer, peer_path, deadline=deadline, request_id=request_id)
            if self.name == "store":
                self._read_stock()
        except PeerFailed as error:
            return error.status, str(error)
        except OSError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"{DISK}: {error.strerror}"
        return HTTPStatus.OK, ""

    def _read_stock(self) -> None:
        is_read = False
        is_hidden = self.symptoms.hides(DISK)
        path = self.stock.with_suffix(".unmounted") if is_hidden else self.stock
        try:
            json.loads(path.read_bytes())
            is_read = True
        finally:
            self.peers.window(DISK).add(failed=not is_read)

    def _log_request(
        self, path: str, status: HTTPStatus, seconds: float, request_id: str, reason: str
    ) -> None:
        fields = {
            "path": path,
            "status": int(status),
            "duration_ms": round(seconds * 1000, 1),
            "request_id": request_id,
        }
        if reason:
            fields["error"] = reason
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request failed", extra={"fields": fields})
        else:
            _log.info("request served", extra={"fields": fields})


def open_shop(name: str, estate: state.EstateState) -> ShopServer:
    """Listens at the service's port; `serve_forever` is the caller's to call."""
    origin = _origin(name, estate)
    meters, tracer = Meters(**origin), Tracer(**origin, is_silent=name in UNTRACED)
    symptoms = Symptoms(name)
    peers = Peers(estate.ports, meters, tracer, symptoms)
    shop = Shop(name, estate.folder / state.STOCK_FILE, meters, tracer, symptoms, peers)
    return ShopServer(estate.ports[name], shop, estate.control_token)


def _origin(name: str, estate: state.EstateState) -> Origin:
    return {
        "service": name,
        "instance": f"{LOOPBACK}:{estate.ports[name]}",
        "console_url": estate.console_url,
        "token": estate.metrics_token,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=SERVICE_NAMES)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    lifeline.die_with_supervisord()
    jsonlog.configure(options.service)
    estate = state.read_file(options.state)
    logging.getLogger().addHandler(LogExport(**_origin(options.service, estate)))
    with open_shop(options.service, estate) as server:
        _log.info("listening", extra={"fields": {"port": server.server_port}})
        server.serve_forever()


if __name__ == "__main__":
    main()
