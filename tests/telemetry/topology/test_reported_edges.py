"""Calls that another source has counted, asked of a real server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from telemetry import observing, own_records
from telemetry.models import DataSource, Dependency
from tests.telemetry.topology.test_observing import NOON, calls, send

pytestmark = pytest.mark.django_db(transaction=True)

COUNTED = [
    {"parent": "web", "child": "shop", "callCount": 500},
    {"parent": "web", "child": "Legacy Mainframe", "callCount": 50},
]


@pytest.fixture(autouse=True)
def own_spans(own_telemetry):
    yield
    own_records.spans().close()


class Jaeger(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"data": COUNTED}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def jaeger(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Jaeger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.OUTBOUND_ALLOW = f"127.0.0.1/32:{server.server_port}"
    yield DataSource.objects.create(
        name="jaeger", kind="jaeger", url=f"http://127.0.0.1:{server.server_port}"
    )
    server.shutdown()
    server.server_close()


def test_what_a_source_counted_counts_where_no_spans_tell_of_the_call(jaeger):
    send(*calls("web", "shop", 10))

    observing.observe(NOON)

    rates = dict(Dependency.objects.values_list("callee__slug", "calls_per_minute"))
    assert rates == {"shop": 2.0, "legacy-mainframe": 10.0}


def test_a_source_that_is_down_takes_nothing_from_the_rest():
    DataSource.objects.create(name="gone", kind="jaeger", url="http://127.0.0.1:9")
    send(*calls("web", "shop", 10))

    observing.observe(NOON)

    assert Dependency.objects.get().calls_per_minute == 2.0
