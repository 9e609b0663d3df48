"""Customers: about ten requests a second at the gateway, most browsing, some buying."""

import argparse
import logging
import random
import time
import uuid
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from threading import BoundedSemaphore, Event, Thread

from aiops_site.estate import jsonlog, lifeline, state
from aiops_site.estate.calling import fetch
from aiops_site.estate.metering import Meters, Origin
from aiops_site.estate.tracing import Tracer, end_with

REQUESTS_PER_SECOND = 10.0
BUYING_SHARE = 0.3
_NOISE = 0.25
_PATIENCE_SECONDS = 2.5
_MOST_AT_ONCE = 32
_log = logging.getLogger(__name__)


class Crowd:
    """Sends on schedule whether or not earlier answers have come, up to a number at once."""

    def __init__(self, gateway_port: int, meters: Meters, tracer: Tracer) -> None:
        self._gateway_port = gateway_port
        self._meters = meters
        self._tracer = tracer
        self._dice = random.Random()  # noqa: S311 - who buys what is no secret
        self._room = BoundedSemaphore(_MOST_AT_ONCE)

    def visit_until(self, stopping: Event) -> None:
        due_at = time.monotonic()
        while not stopping.wait(max(0.0, due_at - time.monotonic())):
            if self._room.acquire(blocking=False):
                Thread(target=self._visit, args=(self._choose(),), daemon=True).start()
            due_at = max(due_at + self._gap(), time.monotonic() - 1)

    def _gap(self) -> float:
        return self._dice.uniform(1 - _NOISE, 1 + _NOISE) / REQUESTS_PER_SECOND

    def _choose(self) -> str:
        return "/buy" if self._dice.random() < BUYING_SHARE else "/browse"

    def _visit(self, path: str) -> None:
        started = time.monotonic()
        status = int(HTTPStatus.GATEWAY_TIMEOUT)
        try:
            status = self._fetch(path)
        except (OSError, HTTPException) as error:
            _log.warning("no answer", extra={"fields": {"path": path, "error": str(error)}})
        finally:
            self._room.release()
            is_failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
            seconds = time.monotonic() - started
            self._meters.called("gateway", seconds=seconds, failed=is_failed)

    def _fetch(self, path: str) -> int:
        with self._tracer.calling("gateway", path) as span:
            status = fetch(
                self._gateway_port, path, timeout=_PATIENCE_SECONDS, request_id=uuid.uuid4().hex
            )
            end_with(span, status)
            return status


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    lifeline.die_with_supervisord()
    jsonlog.configure("load")
    estate = state.read_file(options.state)
    origin: Origin = {
        "service": "load",
        "instance": "load",
        "console_url": estate.console_url,
        "token": estate.metrics_token,
    }
    Crowd(estate.ports["gateway"], Meters(**origin), Tracer(**origin)).visit_until(Event())


if __name__ == "__main__":
    main()
