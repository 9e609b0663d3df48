import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette

from incidents import connecting
from incidents.api import senders
from incidents.api.senders import identify_request
from telemetry import keeping, own_metrics, own_records
from telemetry.api import otlp, remote_write
from tests.telemetry.intake.sending import Sender


@pytest.fixture
def sender(transactional_db: None) -> Iterator[Sender]:
    """Has a token of each kind, and posts to the receivers over ASGI."""
    senders._known.clear()
    keeping.forget_series()
    routes = [
        *otlp.routes(identify_request),
        *remote_write.routes(identify_request, own_metrics.store),
    ]
    yield Sender(
        Starlette(routes=routes),
        otlp=connecting.connect("otlp", name="Services", by=None).token,
        prometheus=connecting.connect("prometheus", name="Prometheus", by=None).token,
    )
    own_records.logs().close()
    own_records.spans().close()
    keeping.forget_series()


class Served(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The main thread is pytest's."""


@pytest.fixture
def address(sender: Sender) -> Iterator[str]:
    """Of the receivers, behind a real port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Served(uvicorn.Config(sender.console, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()
