"""People, and incidents as the pages meet them: made by the real intake, lifecycle and analysis."""

import json

from django.contrib.auth.models import Group, User
from django.utils import timezone

from aiops_site.roles import sync_roles
from incidents import connecting, inbox, intake
from incidents.models import Incident, Integration, Message

NEVER = "0001-01-01T00:00:00Z"


def make_person(username: str, role: str) -> User:
    sync_roles()
    person = User.objects.create_user(username, first_name=username.capitalize())
    person.groups.add(Group.objects.get(name=role))
    return person


def make_integration(name="alertmanager-prod") -> Integration:
    return connecting.connect("alertmanager", name=name, by=None).integration


def receive(integration: Integration, *alerts: dict) -> None:
    """Through the inbox, as Alertmanager sends them."""
    document = {"version": "4", "groupKey": "g", "status": "firing", "receiver": "console"}
    document |= {"groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}}
    document |= {"externalURL": "", "truncatedAlerts": 0, "alerts": list(alerts)}
    message = Message(
        integration=integration,
        received_at=timezone.now(),
        content_type="application/json",
        body=json.dumps(document).encode(),
    )
    inbox.keep([message])
    intake.drain()


def alert(name: str, *, severity="critical", summary="", **labels: str) -> dict:
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {"summary": summary} if summary else {},
        "startsAt": timezone.now().isoformat(),
        "endsAt": NEVER,
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "",
    }


def newest() -> Incident:
    return Incident.objects.order_by("-number")[0]
