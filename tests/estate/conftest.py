import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiops_site.estate import supervisord
from aiops_site.estate.layout import SERVICE_NAMES
from aiops_site.estate.shop import open_shop
from aiops_site.estate.state import EstateState
from tests.estate.console_edge import ConsoleEdge, is_healthy, wait_for


@contextmanager
def _listening() -> Iterator[ConsoleEdge]:
    with ConsoleEdge() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def module_console():
    with _listening() as server:
        yield server


@pytest.fixture
def console():
    with _listening() as server:
        yield server


@pytest.fixture(scope="module")
def estate(module_console, tmp_path_factory):
    """A running estate, all its services healthy."""
    data_dir: Path = tmp_path_factory.mktemp("data with space %")
    running = supervisord.start(data_dir, module_console.url, "alert-token", "metrics-token")
    assert wait_for(lambda: is_healthy(running), 20)
    yield running
    supervisord.stop(data_dir)


@pytest.fixture
def mended(estate, module_console):
    """The running estate; afterwards all is started anew, so that no fault or alert is left."""
    module_console.webhooks.clear()
    yield estate
    supervisord.ask(estate, "stopAllProcesses")
    supervisord.ask(estate, "startAllProcesses")
    assert wait_for(lambda: is_healthy(estate), 20)


@pytest.fixture
def shops(console, tmp_path):
    """What shops in this process know of each other; nobody listens yet."""
    (tmp_path / "stock.json").write_text(json.dumps({"mug": 1}))
    return EstateState(
        folder=tmp_path,
        console_url=console.url,
        ports=dict.fromkeys(SERVICE_NAMES, 0),
        supervisor_url="http://127.0.0.1:9/RPC2",
        owner_pid=0,
        control_token="switch",
        metrics_token="m",
    )


@pytest.fixture
def serve(shops):
    """Opens shops that know each other, all closed at the end."""
    opened = []

    def serve(name):
        server = open_shop(name, shops)
        shops.ports[name] = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        opened.append((server, thread))
        return server

    yield serve
    for server, thread in opened:
        server.shutdown()
        thread.join()
        server.server_close()
        server.shop.meters.shutdown()
        server.shop.tracer.shutdown()
