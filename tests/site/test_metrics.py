from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from incidents import connecting
from incidents.models import Message, Severity
from tests.site import world

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3a"


def samples(client: Client) -> dict[tuple[str, str], float]:
    """By name and value of the only label."""
    text = client.get("/metrics").text
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_an_empty_console_has_numbers_too(client: Client):
    response = client.get("/metrics")

    assert response["Content-Type"].startswith("text/plain; version=")
    seen = samples(client)
    assert seen[("console_inbox_waiting", "")] == 0
    assert seen[("console_inbox_oldest_seconds", "")] == 0
    assert ("console_rings_sent", "") in seen
    assert ("console_pokes_dropped", "") in seen


def test_rows_are_counted_by_state(client: Client):
    incident = world.incident()
    world.alert(incident)
    world.alert(incident, status="resolved")
    world.run()

    seen = samples(client)

    assert seen[("console_incidents", "open")] == 2
    assert seen[("console_alerts", "firing")] == seen[("console_alerts", "resolved")] == 1
    assert seen[("console_remediations", "approved")] == 1
    assert seen[("console_executions", "pending")] == 1


def test_what_waits_and_what_is_dead_in_the_inbox_is_seen(client: Client):
    sender = connecting.connect("generic", name="Sender", by=None).integration
    at = timezone.now() - timedelta(minutes=2)
    for state in ("pending", "pending", "dead"):
        Message.objects.create(
            integration=sender, received_at=at, content_type="", body=b"{}", state=state
        )

    seen = samples(client)

    assert seen[("console_inbox_waiting", "")] == 2
    assert seen[("console_inbox_dead", "")] == 1
    assert 119 < seen[("console_inbox_oldest_seconds", "")] < 180


def test_nothing_of_anybodys_services_is_told(client: Client):
    incident = world.incident(CANARY, severity=Severity.CRITICAL)
    world.alert(incident, name=CANARY, labels={CANARY: CANARY}, summary=CANARY)
    world.remediation(incident)

    assert CANARY not in client.get("/metrics").text


def test_reports_of_browsers_are_counted_and_not_kept(client: Client):
    before = samples(client)[("console_csp_reports_total", "")]

    response = Client(enforce_csrf_checks=True).post(
        "/csp-report/", b'{"csp-report": {}}', content_type="application/csp-report"
    )

    assert response.status_code == 204
    assert samples(client)[("console_csp_reports_total", "")] == before + 1
