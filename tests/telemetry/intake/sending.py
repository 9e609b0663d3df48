"""Requests as senders write them, and a way to post them to the receivers."""

import asyncio
from dataclasses import dataclass
from typing import Any

import cramjam
import httpx
from starlette.applications import Starlette

from telemetry.intake.wire import Label, Sample, TimeSeries, WriteRequest

PROTOBUF, JSON = "application/x-protobuf", "application/json"
WRITE = "/prometheus/api/v1/write"


def write_request(*series: tuple[dict[str, str], list[tuple[int, float]]]) -> bytes:
    """A remote-write request of (labels, [(ms, value)]), unpacked."""
    request = WriteRequest()
    for labels, samples in series:
        message = TimeSeries(
            labels=[Label(name=k, value=v).SerializeToString() for k, v in labels.items()],
            samples=[Sample(timestamp=t, value=v).SerializeToString() for t, v in samples],
        )
        request.timeseries.append(message.SerializeToString())
    return bytes(request.SerializeToString())


def snappy(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


@dataclass(frozen=True)
class Sender:
    console: Starlette
    otlp: str
    prometheus: str

    def post(
        self, path: str, body: bytes, media_type: str = PROTOBUF, **headers: str
    ) -> httpx.Response:
        return self.post_all([(path, body, media_type, headers)])[0]

    def post_all(self, posts: list[tuple[str, bytes, str, dict[str, str]]]) -> list[httpx.Response]:
        """All at once; the answers come in the same order."""

        async def go() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.console)
            async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
                return await asyncio.gather(*(self._post(client, *post) for post in posts))

        return asyncio.run(go())

    def write(self, body: bytes, **headers: str) -> httpx.Response:
        """By remote-write; the body is packed here."""
        return self.post(WRITE, snappy(body), **headers)

    async def _post(
        self, client: Any, path: str, body: bytes, media_type: str, headers: dict[str, str]
    ) -> httpx.Response:
        is_write = path == WRITE
        usual = {
            "Content-Type": media_type,
            "Authorization": f"Bearer {self.prometheus if is_write else self.otlp}",
        }
        if is_write:
            usual["Content-Encoding"] = "snappy"
        response: httpx.Response = await client.post(path, content=body, headers=usual | headers)
        return response
