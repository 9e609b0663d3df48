"""People with a role, and a small world for them to look at and work on."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone
from rest_framework.test import APIClient

from aiops_site.models import ApiToken
from aiops_site.roles import STAFF, sync_roles
from automation import execution, planning
from automation.models import Connection, Execution, Remediation, Runbook
from automation.published import publish, write_version
from incidents import connecting, lifecycle
from incidents.analysis import snapshots
from incidents.analysis.recent_errors import Errors
from incidents.models import Alert, AlertLink, Incident, Message, Severity
from telemetry import changes
from telemetry.change_event import ChangeEvent
from telemetry.changes import Told
from telemetry.credentials import issue_token
from telemetry.models import Change, Point, Series, Service

RUNBOOK = """
name: {name}
risk: {risk}
parameters:
  service: {{type: string, pattern: "^[a-z0-9-]+$", from: incident.service}}
steps:
  - action: http_request
    executor: http
    target: /mend
    args: {{method: POST, body: {{service: "${{service}}"}}}}
verify: {{signal: alert_resolved, within_seconds: 30}}
"""


def person(role: str) -> User:
    """The person of that name and role; made at the first mention."""
    user, is_new = User.objects.get_or_create(username=role)
    if is_new:
        sync_roles()
        user.is_staff = role in STAFF
        user.save()
        user.groups.set(Group.objects.filter(name=role))
    return user


def browser(role: str = "admin", *, checks_csrf: bool = False) -> APIClient:
    client = APIClient(enforce_csrf_checks=checks_csrf, raise_request_exception=True)
    client.force_login(person(role))
    return client


def token(role: str) -> str:
    issued, owner = issue_token(), person(role)
    name = f"program {owner.api_tokens.count()}"
    ApiToken.objects.create(owner=owner, name=name, token_hash=issued.hashed)
    return issued.plain


def program(role: str) -> APIClient:
    """With an API token instead of a session."""
    return APIClient(headers={"Authorization": f"Bearer {token(role)}"})


def service(slug: str = "checkout", **facts: Any) -> Service:
    return Service.objects.get_or_create(slug=slug, defaults=facts)[0]


def incident(slug: str = "checkout", *, severity: Severity = Severity.HIGH) -> Incident:
    count = Incident.objects.count()
    return lifecycle.open_incident(
        title=f"{slug} is slow",
        severity=severity,
        correlation_key=f"{slug}:{count}",
        onset_at=timezone.now(),
        service_id=service(slug).pk,
        actor="intake",
        text="Opened",
    )


def alert(of: Incident | None = None, **facts: Any) -> Alert:
    now = timezone.now()
    usual = {
        "fingerprint": f"test{Alert.objects.count():028x}",
        "name": "HighLatency",
        "severity": "high",
        "status": "firing",
        "service": of.service if of else None,
        "labels": {"env": "prod"},
        "starts_at": now,
        "first_received_at": now,
        "last_received_at": now,
        "incident": of,
    }
    made = Alert.objects.create(**(usual | facts))
    if of is not None:
        AlertLink.objects.create(
            incident=of, alert=made, method="first", text="First alert.", linked_at=now
        )
        counts = {"alert_count": of.alerts.count()}
        counts["firing_count"] = of.alerts.filter(status="firing").count()
        Incident.objects.filter(pk=of.pk).update(**counts)
    return made


def runbook(name: str = "mend", *, risk: str = "medium") -> Runbook:
    where = {"executor": "http", "url": "http://127.0.0.1:9", "is_default": True}
    Connection.objects.get_or_create(name="world", defaults=where)
    version = write_version(RUNBOOK.format(name=name, risk=risk), author=None, reason="A test.")
    publish(version)
    return Runbook.objects.get(name=name)


def remediation(of: Incident | None = None, *, risk: str = "medium") -> Remediation:
    chosen = planning.by_hand(runbook(f"mend-{risk}", risk=risk), person("responder"))
    return planning.draft(of or incident(), chosen, by=person("responder"))


def run(of: Remediation | None = None) -> Execution:
    """An execution that nobody has claimed yet."""
    return execution.start(of or remediation())


def message() -> Message:
    sender = connecting.connect("generic", name=f"sender {Message.objects.count()}", by=None)
    return Message.objects.create(
        integration=sender.integration,
        received_at=timezone.now(),
        content_type="application/json",
        body=b'{"title": "\xff"}',
        state="dead",
        reason="Not readable.",
    )


def series(slug: str = "checkout", *, points: int = 60, odd: int = 1) -> Series:
    """One point a second until now, the last `odd` of them out of their band."""
    made = Series.objects.create(
        service=service(slug), name="http.server.request.duration.p95", unit="s", key=slug
    )
    now_ms = int((timezone.now() - timedelta(seconds=1)).timestamp() * 1000)
    Point.objects.bulk_create(
        Point(
            series=made,
            at_ms=now_ms - 1000 * (points - 1 - index),
            value=0.9 if index >= points - odd else 0.2,
            lower=0.1,
            upper=0.3,
            score=6.0 if index >= points - odd else 0.5,
        )
        for index in range(points)
    )
    return made


def change(slug: str = "checkout", **said: Any) -> Change:
    event = ChangeEvent(**({"title": "Deploy", "kind": "deploy", "service": slug} | said))
    return changes.note([Told(event, "ci", "ci", timezone.now())])[0]


def evidence(of: Incident, drawn: Series) -> None:
    """What an analysis that looked at the series would keep."""
    found = {"signals": [drawn.pk], "changes": []}
    snapshots.save(of, "enrichment", snapshots.gather(of, found, Errors()))
