import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from xmlrpc.client import dumps, loads

import pytest

from automation.document import load
from automation.executors import EXECUTORS, Endpoint
from automation.plan import ConnectionRef, Context, PlanRefused, VersionRef, render
from telemetry.outbound import Guard

LOOPBACK = Guard.from_text("127.0.0.1/32")
INFO = {"statename": "RUNNING", "pid": 41, "description": "pid 41", "spawnerr": ""}


class Shop(BaseHTTPRequestHandler):
    """Healthy services, a webhook, and the part of supervisor's XML-RPC a restart needs."""

    def do_GET(self):
        self.answer(f"GET {self.path}", b"ok")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/RPC2":
            self.answer(f"POST {self.path} {body.decode()}", b"ok")
            return
        (program, *_), method = loads(body)
        result = INFO if method.endswith("Info") else True
        answer = dumps((result,), methodresponse=True).encode()
        self.answer(f"{method.removeprefix('supervisor.')} {program}", answer)

    def answer(self, seen, body):
        self.server.seen.append(seen)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def shop():
    with HTTPServer(("127.0.0.1", 0), Shop) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def context_of(url, **values):
    return Context(
        run_as="automation",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        values={"incident.service": "checkout", "incident.number": 42, **values},
        connections={
            "estate": ConnectionRef("estate", "supervisor", f"{url}/RPC2"),
            "web": ConnectionRef("web", "http", url),
        },
        defaults={"supervisor": "estate", "http": "web"},
    )


def plan_of(name, context):
    document, _ = load(Path(f"automation/runbooks/{name}.yaml").read_text())
    return render(document, VersionRef(1, "0" * 64), {}, context)


def run(step):
    return EXECUTORS[step.executor].run(
        step.request,
        endpoint=Endpoint(step.connection.url),
        on_output=[].append,
        deadline=time.monotonic() + step.timeout_seconds,
        guard=LOOPBACK,
    )


RESTART = [
    "getProcessInfo checkout",
    "stopProcess checkout",
    "startProcess checkout",
    "getProcessInfo checkout",
]


@pytest.mark.parametrize(
    ("name", "seen", "targets"),
    [
        ("restart-service", RESTART, ("checkout",)),
        ("recycle-leaking-service", RESTART, ("checkout",)),
        (
            "restart-with-dependency-check",
            ["GET /payments", *RESTART, "GET /checkout"],
            ("checkout",),
        ),
        (
            "call-webhook",
            ['POST / {"event":"remediation","service":"checkout","incident":42}'],
            ("/",),
        ),
        ("health-probe", ["GET /checkout"], None),
    ],
)
def test_a_starter_runbook_does_what_it_says(shop, name, seen, targets):
    url = f"http://127.0.0.1:{shop.server_port}"
    health = {
        "service.health_url": f"{url}/checkout",
        "service.dependency_url": f"{url}/payments",
    }
    plan = plan_of(name, context_of(url, **health))

    outcomes = [run(step).status for step in plan.steps]

    assert outcomes == ["succeeded"] * len(plan.steps)
    assert shop.seen == seen
    assert plan.targets == (targets or (f"{url}/checkout",))


def test_a_runbook_that_needs_a_health_address_says_so_when_there_is_none():
    with pytest.raises(PlanRefused, match=r"service\.health_url is not known"):
        plan_of("health-probe", context_of("http://127.0.0.1"))


def test_a_service_is_recycled_for_its_memory_and_not_for_a_full_disk():
    document, _ = load(Path("automation/runbooks/recycle-leaking-service.yaml").read_text())

    assert document.applies_to.labels == {"alertname": "HighMemory"}
    assert not document.applies_to.classification
