import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiops_site.estate import supervisord
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
