"""From an accepted alert to the word of its incident at an open page."""

import asyncio
import contextlib
import json
import time

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.console import Console
from benchmarks.figures import Figure, at_most, percentile

TIMES = 60
LONGEST_SECONDS = 30


def measure(console: Console) -> list[Figure]:
    token = console.token_of("alertmanager", "live")
    with contextlib.closing(console.sign_in()) as person:
        session = person.cookies["sessionid"]
    milliseconds = asyncio.run(_listen(console, token, session))
    p50, p95 = (percentile(milliseconds, percent) for percent in (50, 95))
    return [
        Figure("accepted → incident on screen, p50", f"{p50:,.0f} ms"),
        at_most("accepted → incident on screen, p95", p95, 1000, "ms"),
    ]


async def _listen(console: Console, token: str, session: str) -> list[float]:
    address = f"ws://127.0.0.1:{console.port}/ws/live/"
    headers = {"Cookie": f"sessionid={session}"}
    async with (
        connect(address, additional_headers=headers, origin=console.url) as page,  # type: ignore[arg-type]
        httpx.AsyncClient(base_url=console.url) as sender,
    ):
        await page.send(json.dumps({"subscribe": "incidents"}))
        return [await _once(page, sender, token, number) for number in range(TIMES)]


async def _once(
    page: ClientConnection, sender: httpx.AsyncClient, token: str, number: int
) -> float:
    headers = {"Authorization": f"Bearer {token}"}
    await sender.post("/api/v1/webhooks/alertmanager/", json=_alert(number), headers=headers)
    accepted_at = time.perf_counter()
    async with asyncio.timeout(LONGEST_SECONDS):
        while json.loads(await page.recv())["kind"] != "opened":
            pass
    return (time.perf_counter() - accepted_at) * 1000


def _alert(number: int) -> dict[str, object]:
    labels = {"alertname": "Live", "service": f"live-{number}", "severity": "critical"}
    alert = {"status": "firing", "labels": labels, "annotations": {}}
    times = {"startsAt": "2026-11-20T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    return {"version": "4", "status": "firing", "alerts": [alert | times]}
