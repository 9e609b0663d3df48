import asyncio
import base64
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from django.db import connections

from aiops_site.asgi import application
from incidents import connecting, intake
from incidents.api import senders, webhooks

PAYLOADS = Path(__file__).parents[1] / "payloads"
NAMES = itertools.count(1)


class Door:
    """Posts to the real ASGI application, from an event loop that lives as long as the test."""

    def __init__(self):
        self._runner = asyncio.Runner()

    def post(self, path, body=b"", *, token=None, headers=None, auth=None):
        return self.post_all([(path, body, token, headers, auth)])[0]

    def post_all(self, posts):
        """All at once; the answers come in the same order."""
        return self._runner.run(self._post_all(posts))

    async def _post_all(self, posts):
        transport = httpx.ASGITransport(application, client=("127.0.0.1", 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await asyncio.gather(*(self._post(client, *post) for post in posts))

    async def _post(self, client, path, body, token=None, headers=None, auth=None):
        given = {"content-type": "application/json"}
        if token:
            given["authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await client.post(path, content=content, headers=given | (headers or {}), auth=auth)

    def close(self):
        self._runner.close()
        for thread in (webhooks.writer._thread, senders._thread):
            thread.submit(connections.close_all).result()
        senders._known.clear()


@pytest.fixture
def door(transactional_db):
    door = Door()
    yield door
    door.close()


@pytest.fixture
def connect(transactional_db):
    """A configured sender of a product, with its token."""

    def connect(provider):
        return connecting.connect(provider, name=f"sender {next(NAMES)}", by=None)

    return connect


@pytest.fixture
def send(door, connect):
    """Deliver a body of a product, let the worker read it, and answer the response."""
    connected = {}

    def send(provider, body, **options):
        if provider not in connected:
            connected[provider] = connect(provider)
        path = f"/api/v1/webhooks/{provider}/"
        answer = door.post(path, body, token=connected[provider].token, **options)
        drain()
        return answer

    return send


def drain():
    return intake.work_through(time.monotonic() + 60)


def in_threads(deed, count):
    """Run it at the same time in several threads; what they return."""

    def run(number):
        try:
            return deed(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def recorded(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


def basic(token):
    return "Basic " + base64.b64encode(f"user:{token}".encode()).decode()


def alert(name="HighErrorRate", *, status="firing", starts_at="2026-11-20T10:00:00Z", **labels):
    """One alert in Alertmanager's format."""
    ended_at = "2026-11-20T11:00:00Z" if status == "resolved" else "0001-01-01T00:00:00Z"
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {},
        "startsAt": starts_at,
        "endsAt": ended_at,
    }


def group(*alerts):
    return {"version": "4", "status": "firing", "alerts": list(alerts)}
