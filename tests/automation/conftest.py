"""Real runbooks against a real HTTP server on loopback that remembers every request it was sent."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from aiops_site.roles import sync_roles
from automation import planning
from automation.models import Connection, Remediation, Runbook
from automation.published import publish, write_version
from incidents import lifecycle
from incidents.models import Alert, Incident, Severity
from telemetry.models import Service

RUNBOOK = """
name: {name}
risk: {risk}
applies_to: {{classification: [service_down], labels: {{alertname: ServiceDown}}}}
parameters:
  service: {{type: string, pattern: "^[a-z0-9-]+$", from: incident.service}}
guardrails: {{max_per_hour: {max_per_hour}, cooldown_seconds: {cooldown}, max_targets: 5}}
steps:
{steps}
{verify}
rollback: {rollback}
"""
STEP = """  - action: http_request
    executor: http
    target: /{path}
    args: {{method: {method}, body: {{service: "${{service}}"}}}}
    timeout_seconds: {timeout}
    retries: {retries}
"""


class Effects:
    """What happened in the world: the requests that arrived, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.statuses: dict[str, int] = {}
        self.gates: dict[str, threading.Event] = {}
        self.arrived = threading.Condition()

    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def hold(self, path: str) -> threading.Event:
        """Requests to the path are answered only once the event is set."""
        self.gates[path] = threading.Event()
        return self.gates[path]

    def note(self, path: str, body: bytes) -> int:
        with self.arrived:
            self.seen.append((path, json.loads(body) if body else None))
            self.arrived.notify_all()
        if path in self.gates:
            self.gates[path].wait(20)
        return self.statuses.get(path, 200)

    def wait_for(self, count: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen) >= count, timeout=20)


@pytest.fixture
def effects() -> Iterator[Effects]:
    effects = Effects()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status = effects.note(self.path, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        do_PUT = do_POST  # noqa: N815 - the name http.server looks for

        def log_message(self, *args: Any) -> None:
            """The test says what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    effects.url = f"http://127.0.0.1:{server.server_port}"
    yield effects
    for gate in effects.gates.values():
        gate.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def world(effects: Effects, settings: Any) -> Effects:
    """The effects server as the console's default http connection, opened in the outbound guard."""
    settings.OUTBOUND_ALLOW = "127.0.0.1/32"
    Connection.objects.create(executor="http", name="world", url=effects.url, is_default=True)
    return effects


@pytest.fixture
def runbook() -> Callable[..., Runbook]:
    def make(
        name: str = "mend",
        *,
        paths: tuple[str, ...] = ("mend",),
        rollback: tuple[str, ...] = (),
        risk: str = "medium",
        method: str = "POST",
        timeout: int = 10,
        retries: int = 0,
        cooldown: int = 0,
        max_per_hour: int = 100,
        author: User | None = None,
        verify: bool = True,
    ) -> Runbook:
        def steps(names: tuple[str, ...]) -> str:
            return "".join(
                STEP.format(path=path, method=method, timeout=timeout, retries=retries)
                for path in names
            )

        text = RUNBOOK.format(
            name=name,
            risk=risk,
            cooldown=cooldown,
            max_per_hour=max_per_hour,
            verify="verify: {signal: alert_resolved, within_seconds: 30}" if verify else "",
            steps=steps(paths),
            rollback="\n" + steps(rollback) if rollback else "[]",
        )
        version = write_version(text, author=author, reason="for the test")
        publish(version)
        return Runbook.objects.select_related("published").get(name=name)

    return make


@pytest.fixture
def incident() -> Callable[..., Incident]:
    def make(service: str = "checkout", alert_name: str = "ServiceDown") -> Incident:
        now = timezone.now()
        where, _ = Service.objects.get_or_create(slug=service)
        opened = lifecycle.open_incident(
            title=f"{service} is down",
            severity=Severity.CRITICAL,
            correlation_key=f"{service}:{Incident.objects.count()}",
            onset_at=now,
            service_id=where.pk,
            actor="test",
            text="Opened",
        )
        Incident.objects.filter(number=opened.number).update(
            classification="service_down", alert_count=1, firing_count=1
        )
        Alert.objects.create(
            fingerprint=f"{opened.number:032x}",
            name=alert_name,
            severity="critical",
            status="firing",
            service=where,
            labels={"service": service, "alertname": alert_name},
            starts_at=now,
            first_received_at=now,
            last_received_at=now,
            incident=opened,
        )
        return Incident.objects.get(number=opened.number)

    return make


@pytest.fixture
def person() -> Callable[..., User]:
    def make(name: str, *roles: str) -> User:
        sync_roles()
        user = User.objects.create_user(name)
        user.groups.set(Group.objects.filter(name__in=roles))
        return user

    return make


@pytest.fixture
def proposal(
    world: Effects, runbook: Callable[..., Runbook], incident: Callable[..., Incident]
) -> Callable[..., Remediation]:
    """A remediation that waits for a decision."""

    def make(service: str = "checkout", **options: Any) -> Remediation:
        made = runbook(**options)
        [candidate] = [c for c in planning.candidates(incident(service)) if c.runbook.pk == made.pk]
        return planning.draft(Incident.objects.latest("number"), candidate)

    return make
