"""People, runbooks and an incident with a plan, for the tests of the automation pages."""

from django.contrib.auth.models import Group, User
from django.test import Client

from aiops_site.roles import sync_roles
from automation import planning
from automation.models import Connection, Remediation, Runbook
from automation.published import publish, write_version
from incidents.models import Incident
from telemetry.models import Service
from tests.incidents.analysis_world import add_alert, open_incident

RUNBOOK = """\
name: {name}
description: Restart what does not answer.
applies_to: {{classification: [], labels: {{alertname: ServiceDown}}}}
risk: {risk}
parameters:
  service: {{type: string, pattern: "^[a-z0-9-]+$", from: incident.service}}
  mode: {{type: string, enum: [soft, hard], default: soft}}
steps:
  - {{action: restart, executor: supervisor, target: "${{service}}", timeout_seconds: {seconds}}}
verify: {{signal: alert_resolved, within_seconds: 180}}
rollback:
  - {{action: restart, executor: supervisor, target: "${{service}}", timeout_seconds: 5}}
"""


def text_of(name="restart", *, risk="medium", seconds=60):
    return RUNBOOK.format(name=name, risk=risk, seconds=seconds)


def publish_runbook(name="restart", *, risk="medium", author=None):
    version = write_version(text_of(name, risk=risk), author=author, reason="First version")
    publish(version)
    return Runbook.objects.get(name=name)


def a_person(name, role):
    """Signed in: the person, and their browser."""
    sync_roles()
    person = User.objects.create_user(name, is_staff=role in ("admin", "editor"))
    person.groups.add(Group.objects.get(name=role))
    browser = Client()
    browser.force_login(person)
    return person, browser


def an_incident(slug="checkout"):
    service, _ = Service.objects.get_or_create(slug=slug)
    incident = open_incident(service, title="Checkout is down")
    add_alert(incident, "ServiceDown", service, labels={"service": slug})
    return Incident.objects.get(pk=incident.pk)


def connect_supervisor(url="http://127.0.0.1:9/RPC2"):
    return Connection.objects.create(executor="supervisor", name="estate", url=url, is_default=True)


def a_plan(*, risk="medium", by=None, author=None, incident=None) -> Remediation:
    if not Connection.objects.exists():
        connect_supervisor()
    runbook = publish_runbook(f"restart-{risk}", risk=risk, author=author)
    candidate = planning.Candidate(runbook, 0.75, "It applies to the alert ServiceDown.")
    return planning.draft(incident or an_incident(), candidate, by=by)
