"""`POST /v1/metrics`, `/v1/logs`, `/v1/traces`: OTLP over HTTP, answered as it asks.

Who may send is asked of `identify`, which the site hands in: integrations belong to a higher app.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from telemetry import own_records
from telemetry.api.bodies import read_body
from telemetry.api.group_commit import GroupCommit, NotKept
from telemetry.api.otlp_commits import Commit, Export, commit_records
from telemetry.api.otlp_metrics import MetricsCommit
from telemetry.intake.otlp_http import (
    MAX_BODY_BYTES,
    Encoding,
    Signal,
    decompress,
    encode_response,
    encode_status,
    encoding_of,
)
from telemetry.intake.otlp_logs import read_logs
from telemetry.intake.otlp_traces import read_traces
from telemetry.intake.refusals import Unreadable

Identify = Callable[[Request, str], Awaitable[Any]]
MEDIA_TYPES: dict[Encoding, str] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}


def routes(identify: Identify) -> list[Route]:
    """The receivers' routes; `identify(request, "otlp")` is None for a sender without a right."""
    commits: dict[Signal, Commit] = {
        "metrics": MetricsCommit(),
        "logs": commit_records(read_logs, lambda records: own_records.logs().append(records)),
        "traces": commit_records(read_traces, lambda spans: own_records.spans().append(spans)),
    }
    return [
        Route(f"/v1/{signal}", Receiver(identify, signal, commit).receive, methods=["POST"])
        for signal, commit in commits.items()
    ]


class Receiver:
    """Takes the exports of one signal."""

    def __init__(self, identify: Identify, signal: Signal, commit: Commit) -> None:
        self._identify = identify
        self._signal = signal
        self._exports = GroupCommit(signal, commit)

    async def receive(self, request: Request) -> Response:
        encoding: Encoding = "protobuf"
        try:
            encoding = encoding_of(request.headers.get("content-type", ""))
            if await self._identify(request, "otlp") is None:
                return _error(401, "The token is missing or not valid for OTLP.", encoding)
            coding = request.headers.get("content-encoding", "")
            body = decompress(await read_body(request, MAX_BODY_BYTES), coding)
            kept = await self._exports.keep(Export(body, encoding), len(body))
        except Unreadable as error:
            return _error(error.http_status, str(error), encoding)
        except NotKept as error:
            return _error(503, str(error), encoding)
        except TimeoutError:
            return _error(503, "The database does not say who is sending; send again.", encoding)
        answer = encode_response(self._signal, kept.refused, encoding)
        return Response(answer, media_type=MEDIA_TYPES[encoding])


def _error(status: int, detail: str, encoding: Encoding) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else {}
    content = encode_status(status, detail, encoding)
    return Response(content, status, headers, media_type=MEDIA_TYPES[encoding])
