"""The real application behind a real port, over the tests' own database."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from django.db import connections

from aiops_site.asgi import application
from incidents.api import senders, webhooks
from tests.site import world


class Served(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The main thread is pytest's."""


@pytest.fixture
def served(django_db_reset_sequences: None) -> Iterator[str]:
    """Its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        options = {"log_level": "error", "lifespan": "off", "ws": "none"}
        server = Served(uvicorn.Config(application, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()
    for each in (webhooks.writer._thread, senders._thread):
        each.submit(connections.close_all).result()
    senders._known.clear()


@pytest.fixture
def populated(served: str) -> str:
    """There is something of each kind, from number 1 up. Incident 1 has nothing of its own."""
    world.incident("checkout")
    for slug in ("checkout", "payments"):
        of = world.incident(slug)
        world.alert(of)
        world.evidence(of, world.series(slug))
        world.change(slug)
        world.message()
        world.run(world.remediation(of))
        world.remediation(of, risk="low")
    return served
