"""`POST /prometheus/api/v1/write`: remote-write 1.0, as Prometheus and its like send it.

https://prometheus.io/docs/specs/prw/remote_write_spec/ . Who may send is asked of `identify`, and
which store keeps it of `opened`; the site hands both in.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from telemetry.api.batches import append_each
from telemetry.api.bodies import read_body
from telemetry.api.group_commit import GroupCommit, Kept, NotKept, Outcome
from telemetry.intake.refusals import Unreadable, Unsupported
from telemetry.intake.remote_write import (
    MAX_BODY_BYTES,
    LabelMemory,
    Write,
    decompress,
    read_write,
)
from telemetry.intake.reports import said
from telemetry.store.database import Unavailable
from telemetry.store.metrics import Appended, MetricStore

PATH = "/prometheus/api/v1/write"
Identify = Callable[[Request, str], Awaitable[Any]]


def routes(identify: Identify, opened: Callable[[], MetricStore]) -> list[Route]:
    """`identify(request, "prometheus")` is None for a sender without a right."""
    return [Route(PATH, Receiver(identify, opened).receive, methods=["POST"])]


class Receiver:
    def __init__(self, identify: Identify, opened: Callable[[], MetricStore]) -> None:
        self._identify = identify
        self._writes = GroupCommit("remote-write", WriteCommit(opened))

    async def receive(self, request: Request) -> Response:
        try:
            if await self._identify(request, "prometheus") is None:
                return _error(401, "The token is missing or not valid for remote-write.")
            _demand_first_version(request)
            body = await read_body(request, MAX_BODY_BYTES)
            unpacked = decompress(body)
            kept = await self._writes.keep(unpacked, len(unpacked))
        except Unreadable as error:
            return _error(error.http_status, str(error))
        except NotKept as error:
            return _error(503, str(error))
        except TimeoutError:
            return _error(503, "The database does not say who is sending; send it again.")
        if kept.refused:
            words = f"{kept.count} samples were kept, and these never will be: "
            return _error(400, words + said(kept.refused))
        return Response(status_code=204)


class WriteCommit:
    """Remembers the labels that came before, since they come again with every sample."""

    def __init__(self, opened: Callable[[], MetricStore]) -> None:
        self._opened = opened
        self._labels = LabelMemory()

    def __call__(self, bodies: list[bytes]) -> Sequence[Outcome]:
        read = [self._read(body) for body in bodies]
        writes = [each for each in read if isinstance(each, Write)]
        try:
            appended = iter(append_each(self._opened(), [write.batch for write in writes]))
        except Unavailable as error:
            return [NotKept(str(error))] * len(bodies)
        return [_kept(each, next(appended)) if isinstance(each, Write) else each for each in read]

    def _read(self, body: bytes) -> Write | Unreadable:
        try:
            return read_write(body, self._labels)
        except Unreadable as error:
            return error


def _kept(write: Write, appended: Appended) -> Kept:
    return Kept(appended.kept, write.refused + Counter(appended.refused))


def _demand_first_version(request: Request) -> None:
    """A sender of version 2 falls back to this one when it hears 415."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/x-protobuf" or "v2" in parameters:
        raise Unsupported("Send remote-write 1.0: application/x-protobuf, a WriteRequest.")
    if request.headers.get("content-encoding", "").strip().lower() != "snappy":
        raise Unsupported("Content-Encoding has to be snappy.")


def _error(status: int, detail: str) -> Response:
    """Senders write the first line of it in their log."""
    headers = {"Retry-After": "5"} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return PlainTextResponse(f"{detail}\n", status, headers)
