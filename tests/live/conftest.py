import asyncio
import contextlib
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import Client

from aiops_site import doorbell
from aiops_site.asgi import application
from incidents import lifecycle
from incidents.models import Severity

ORIGIN = (b"origin", b"http://127.0.0.1")


@pytest.fixture
def person(transactional_db):
    person = User.objects.create_user("ada")
    person.groups.add(Group.objects.get(name="responder"))
    return person


@pytest.fixture
def browser(person):
    browser = Client()
    browser.force_login(person)
    return browser


@pytest.fixture
def incident(transactional_db):
    return open_incident("service:1")


@pytest.fixture
def run(transactional_db):
    """Run a coroutine; afterwards nothing is under way any more."""
    doorbell.flush()
    with asyncio.Runner() as runner:
        yield runner.run
        doorbell.flush()


def open_incident(key):
    return lifecycle.open_incident(
        title="Checkout is slow",
        severity=Severity.HIGH,
        correlation_key=key,
        onset_at=lifecycle.timezone.now(),
        service_id=None,
        actor="test",
        text="Opened",
    )


class Socket(ApplicationCommunicator):
    """A browser's end of a socket, without the network."""

    def __init__(self, headers):
        scope = {"type": "websocket", "path": "/ws/live/", "query_string": b"", "headers": headers}
        super().__init__(application, scope | {"subprotocols": []})
        self.refused_with = None

    async def open(self):
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(5)
        if answer["type"] == "websocket.close":
            self.refused_with = answer.get("code", 1000)

    async def send_text(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_json(self, document):
        await self.send_text(json.dumps(document))

    async def receive_json(self, timeout=5):
        output = await self.receive_output(timeout)
        assert output["type"] == "websocket.send", output
        return json.loads(output["text"])

    async def close(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        with contextlib.suppress(asyncio.CancelledError):
            await self.wait(5)


@contextlib.asynccontextmanager
async def page(browser=None, *, origin=ORIGIN):
    """An open socket of this browser's session."""
    cookie = browser.cookies["sessionid"].value if browser else "none"
    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"sessionid={cookie}".encode())]
    headers += [origin] if origin else []
    socket = Socket(headers)
    await socket.open()
    try:
        yield socket
    finally:
        await socket.close()


async def closed_with(socket, timeout=7):
    """The code of the close; what came before it is skipped."""
    async with asyncio.timeout(timeout):
        while True:
            output = await socket.receive_output(timeout)
            if output["type"] == "websocket.close":
                return output["code"]


async def in_a_thread(deed):
    def run():
        try:
            return deed()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)
