"""The real application behind a real port, over the tests' own database."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from django.db import connections

from aiops_site.asgi import application
from incidents.api import senders, webhooks


class Served(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The main thread is pytest's."""


@pytest.fixture
def served(transactional_db: None) -> Iterator[str]:
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
