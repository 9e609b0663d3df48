import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from aiops_site import doctor
from incidents import connecting, lifecycle
from incidents.models import Alert, AlertLink, AnalysisStep, Incident, Message, Severity

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LONG_AGO = NOW - timedelta(hours=1)


@pytest.fixture
def incident():
    return lifecycle.open_incident(
        title="Checkout is slow",
        severity=Severity.HIGH,
        correlation_key="service:1",
        onset_at=NOW,
        service_id=None,
        actor="test",
        text="Opened",
    )


def make_alert(incident=None, status="firing"):
    alert = Alert.objects.create(
        fingerprint=str(Alert.objects.count()),
        name="Slow",
        severity="high",
        status=status,
        starts_at=NOW,
        first_received_at=NOW,
        last_received_at=NOW,
        incident=incident,
    )
    if incident:
        AlertLink.objects.create(incident=incident, alert=alert, method="first", linked_at=NOW)
        incident.alert_count += 1
        incident.firing_count += status == "firing"
        incident.save()
    return alert


def make_message(**fields):
    integration = connecting.connect("generic", name="any", by=None).integration
    Message.objects.create(
        **{"integration": integration, "received_at": timezone.now(), "body": b"{}"} | fields
    )


def broken():
    return [verdict.invariant for verdict in doctor.examine() if not verdict.holds]


def test_a_sound_console_is_healthy(incident):
    make_alert(incident)
    make_message()

    assert broken() == []


@pytest.mark.parametrize(
    ("fields", "invariant"),
    [
        ({"received_at": LONG_AGO}, "No message waits longer than five minutes"),
        ({"state": "dead"}, "Every dead letter says why"),
        ({"state": "lost"}, "Every accepted message is pending, processed or dead"),
    ],
)
def test_a_message_that_is_nowhere_is_found(fields, invariant):
    make_message(**fields)

    assert broken() == [invariant]


def test_a_firing_alert_without_an_incident_is_found():
    make_alert()

    assert broken() == ["Every firing alert has an incident"]


def test_an_incident_left_open_is_found(incident):
    make_alert(incident, "resolved")
    Incident.objects.update(last_activity_at=LONG_AGO)

    assert broken() == ["No incident stays open with all its alerts resolved"]


def test_an_incident_opened_again_by_a_person_is_theirs(incident):
    make_alert(incident, "resolved")
    lifecycle.transition(incident.number, to="resolved", actor="ada")
    lifecycle.transition(incident.number, to="open", actor="ada")
    Incident.objects.update(last_activity_at=LONG_AGO)

    assert broken() == []


@pytest.mark.parametrize("change", [{"alert_count": 5}, {"firing_count": 0}])
def test_a_wrong_count_is_found(incident, change):
    make_alert(incident)
    Incident.objects.update(**change)

    assert broken() == ["Counts shown equal counts queried"]


def test_a_gap_in_a_timeline_is_found(incident):
    lifecycle.record(incident, "note", "one")
    lifecycle.record(incident, "note", "two")
    incident.timeline.get(seq=2).delete()

    assert broken() == ["Every timeline is without gaps"]


def test_an_analysis_nobody_works_on_is_found(incident):
    AnalysisStep.objects.create(
        incident=incident, name="a", position=1, time_limit_seconds=5, lease_until=LONG_AGO
    )

    assert broken() == ["No analysis step has a dead lease"]


def test_the_command_answers_json_and_ends_with_an_error_when_something_is_broken():
    make_alert()
    said = io.StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("doctor", "--json", stdout=said)

    answer = json.loads(said.getvalue())
    assert end.value.code == 1
    assert answer["healthy"] is False
    assert answer["findings"]["Every firing alert has an incident"]


def test_the_command_says_what_holds():
    said = io.StringIO()

    call_command("doctor", stdout=said)

    assert said.getvalue().count("ok ") == len(doctor.INVARIANTS)
