"""`POST /v1/metrics`: OTLP over HTTP, answered as the specification asks.

Who may send is asked of `identify`, which the site hands in: integrations belong to a higher app.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import DatabaseError, OperationalError, connection
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from telemetry import keeping, tasks
from telemetry.otlp import Export, Sample, read_metrics
from telemetry.otlp_http import (
    MAX_BODY_BYTES,
    Encoding,
    OversizedExport,
    UnreadableExport,
    decompress,
    encode_response,
    encode_status,
    encoding_of,
)
from telemetry.rates import RateState, derive

Identify = Callable[[Request, str], Awaitable[Any]]
JUDGE_EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
MOST_OWED = 50_000
MOST_WAITING_BYTES = 64 * 2**20
MEDIA_TYPES: dict[Encoding, str] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}


def routes(identify: Identify) -> list[Route]:
    """The receiver's routes; `identify(request, "otlp")` is None for a sender without a right."""
    receiver = Receiver(identify)
    return [Route("/v1/metrics", receiver.receive_metrics, methods=["POST"])]


class Receiver:
    """Keeps the counters' previous values between requests, and writes in a thread of its own.

    What a busy database refused is owed until the next request: the same counters sent again would
    give no rate, since their values have been seen.
    """

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self._rates = RateState()
        self._owed: list[Sample] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")
        self._waiting_bytes = 0
        self._rung_at = 0.0

    async def receive_metrics(self, request: Request) -> Response:
        encoding: Encoding = "protobuf"
        try:
            encoding = encoding_of(request.headers.get("content-type", ""))
            if await self._identify(request, "otlp") is None:
                return _error(401, "The token is missing or not valid for OTLP.", encoding)
            body = decompress(await _read(request), request.headers.get("content-encoding", ""))
            export = read_metrics(body, encoding, now_ms=time.time_ns() // 1_000_000)
            await self._keep(export, len(body))
        except UnreadableExport as error:
            return _error(error.http_status, str(error), encoding)
        except (DatabaseError, TimeoutError):
            return _error(503, "The points could not be kept; send them again.", encoding)
        return Response(encode_response(export.refused, encoding), media_type=MEDIA_TYPES[encoding])

    async def _keep(self, export: Export, size: int) -> None:
        """A slow database must not fill the memory: what is too much is for its sender to keep."""
        if self._waiting_bytes + size > MOST_WAITING_BYTES:
            raise TimeoutError
        self._waiting_bytes += size
        loop = asyncio.get_running_loop()
        keeping_all = loop.run_in_executor(self._thread, self._keep_all, export)
        keeping_all.add_done_callback(partial(self._make_room, size))
        done, _ = await asyncio.wait([keeping_all], timeout=PATIENCE_SECONDS)
        if not done:
            raise TimeoutError
        await keeping_all

    def _make_room(self, size: int, keeping_all: asyncio.Future[None]) -> None:
        """Also hears the error of an export whose sender has been told to come back."""
        self._waiting_bytes -= size
        keeping_all.exception()

    def _keep_all(self, export: Export) -> None:
        samples = [*self._owed, *derive(export.samples, self._rates)]
        self._owed = []
        try:
            refused = keeping.keep(samples)
        except DatabaseError as error:
            if isinstance(error, OperationalError):
                self._owed = samples[-MOST_OWED:]
            connection.close()
            raise
        if refused:
            export.refused["too many series"] += refused
        self._ring()

    def _ring(self) -> None:
        """Once a second is enough for the worker; points that come between are seen next time."""
        now = time.monotonic()
        if now - self._rung_at >= JUDGE_EVERY_SECONDS:
            self._rung_at = now
            tasks.judge_new_points.delay_on_commit()


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise OversizedExport(f"A request may hold {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect as error:
        raise UnreadableExport("The body ended early.") from error
    return bytes(body)


def _error(status: int, detail: str, encoding: Encoding) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else {}
    content = encode_status(status, detail, encoding)
    return Response(content, status, headers, media_type=MEDIA_TYPES[encoding])
