"""Deliveries become alerts, and alerts find their incidents."""

import json

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from incidents import inbox, intake
from incidents.alone import alone
from incidents.models import Alert, Incident, Integration, Message
from tests.intake.conftest import alert, drain, group, in_threads, recorded

FIRST, SECOND = "2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z"


def test_a_firing_alert_opens_an_incident(send):
    send("alertmanager", group(alert(service="checkout")))

    incident = Incident.objects.get()
    assert (incident.status, incident.service.slug) == ("open", "checkout")
    assert (incident.alert_count, incident.firing_count) == (1, 1)
    assert Alert.objects.get().incident == incident


def test_the_last_resolved_alert_resolves_the_incident(send):
    send("alertmanager", group(alert("A", service="x"), alert("B", service="x")))

    send("alertmanager", group(alert("A", service="x", status="resolved")))
    half_way = Incident.objects.get().status
    send("alertmanager", group(alert("B", service="x", status="resolved")))

    assert half_way == "open"
    assert (Incident.objects.get().status, Incident.objects.get().firing_count) == ("resolved", 0)


def test_an_alert_that_fires_again_after_its_incident_ended_opens_another_one(send):
    send("alertmanager", group(alert(service="x")))
    send("alertmanager", group(alert(service="x", status="resolved")))

    send("alertmanager", group(alert(service="x", starts_at=SECOND)))

    assert list(Incident.objects.order_by("number").values_list("status", "firing_count")) == [
        ("resolved", 0),
        ("open", 1),
    ]
    assert Alert.objects.get().incident_id == Incident.objects.latest("number").number


def test_an_alert_that_fires_again_stays_in_its_open_incident(send):
    send("alertmanager", group(alert("A", service="x"), alert("B", service="x")))
    send("alertmanager", group(alert("A", service="x", status="resolved")))

    send("alertmanager", group(alert("A", service="x", starts_at=SECOND)))

    incident = Incident.objects.get()
    assert (incident.alert_count, incident.firing_count) == (2, 2)
    assert incident.timeline.filter(kind="alert_refired").count() == 1


def test_a_resolve_that_overtakes_its_firing_leaves_the_alert_resolved(send):
    send("alertmanager", group(alert(status="resolved")))

    send("alertmanager", group(alert()))

    assert Alert.objects.get().status == "resolved"
    assert not Incident.objects.exists()


def test_firing_and_resolve_in_one_delivery_leave_a_resolved_incident(send):
    send("alertmanager", group(alert(service="x"), alert(service="x", status="resolved")))

    assert Alert.objects.get().status == "resolved"
    assert Incident.objects.get().status == "resolved"
    assert Incident.objects.get().firing_count == 0


def test_events_delivered_up_to_five_times_at_once_by_two_senders_are_one_alert_each(door, connect):
    sender, copies = connect("alertmanager"), range(1, 6)
    path = "/api/v1/webhooks/alertmanager/"
    bodies = [group(alert("Down", service="x", instance=f"i{n}")) for n in copies for _ in range(n)]

    door.post_all([(path, body, sender.token, None, None) for body in bodies * 2])
    in_threads(lambda _: drain(), 4)

    counts = Alert.objects.values_list("labels__instance", "event_count")
    assert dict(counts) == {f"i{n}": 2 * n for n in copies}
    assert Incident.objects.get().alert_count == len(copies)


@pytest.mark.parametrize(
    ("provider", "firing", "resolved"),
    [
        ("alertmanager", "alertmanager/firing", "alertmanager/resolved"),
        ("grafana", "grafana/legacy_alerting", "grafana/legacy_ok"),
        ("pagerduty", "pagerduty/trigger", "pagerduty/resolve"),
    ],
)
def test_recorded_deliveries_open_and_resolve_an_incident(send, provider, firing, resolved):
    send(provider, recorded(firing))
    opened = list(Incident.objects.values_list("status", flat=True))

    send(provider, recorded(resolved))

    assert opened
    assert set(opened) == {"open"}
    assert not Message.objects.exclude(state="processed").exists()
    assert set(Alert.objects.values_list("status", flat=True)) == {"resolved"}
    assert set(Incident.objects.values_list("status", flat=True)) == {"resolved"}


@pytest.mark.parametrize(
    ("provider", "name", "rejected"),
    [
        ("alertmanager", "mixed_group", 1),
        ("alertmanager", "version_3", 0),
        ("grafana", "unified", 0),
        ("generic", "batch", 1),
        ("generic", "nested", 0),
        ("generic", "welcome", 0),
    ],
)
def test_every_recorded_delivery_is_read(send, provider, name, rejected):
    send(provider, recorded(f"{provider}/{name}"))

    message = Message.objects.get()
    assert (message.state, message.rejected_count) == ("processed", rejected)
    assert message.event_count == Alert.objects.count() > 0


def test_an_acknowledgement_at_the_sender_is_told_on_the_incident(send):
    send("pagerduty", recorded("pagerduty/trigger"))

    send("pagerduty", recorded("pagerduty/acknowledge"))

    assert Alert.objects.get().status == "firing"
    assert Incident.objects.get().timeline.filter(kind="alert_acknowledged").count() == 1


def test_a_dead_letter_can_be_replayed_after_its_mapping_was_mended(send):
    send("generic", {"what": "disk full"})
    integration = Integration.objects.get()
    dead = Message.objects.get(state="dead")
    integration.mapping = {"name": "what"}
    integration.save()

    inbox.replay(dead)
    drain()

    dead.refresh_from_db()
    assert (dead.state, dead.reason) == ("processed", "")
    assert Alert.objects.filter(name="disk full").exists()


def test_a_message_that_ends_its_worker_five_times_is_set_aside(send, connect):
    message = _pending(connect("alertmanager").integration)
    Message.objects.update(attempts=inbox.MAX_ATTEMPTS)

    drain()

    message.refresh_from_db()
    assert message.state == "dead"
    assert "5 attempts" in message.reason


def test_a_message_that_ended_its_worker_comes_back_alone(connect):
    integration = connect("alertmanager").integration
    suspect, *_ = [_pending(integration) for _ in range(3)]
    Message.objects.filter(pk=suspect.pk).update(attempts=1)

    assert [message.pk for message in inbox.claim(10)] == [suspect.pk]
    assert len(inbox.claim(10)) == 2
    assert inbox.claim(10) == []


def test_a_worker_that_was_overtaken_changes_nothing(connect):
    _pending(connect("alertmanager").integration)
    slow = [intake.read(message) for message in inbox.claim(10)]
    Message.objects.update(claimed_until=timezone.now() - inbox.LEASE)
    drain()

    intake.apply(slow)

    assert Alert.objects.get().event_count == 1


def test_a_message_the_database_refuses_holds_up_no_other(connect, monkeypatch):
    integration = connect("alertmanager").integration
    bad = _pending(integration, "Refused")
    _pending(integration, "Good")
    fold = intake.fold

    def refuse(deliveries):
        if any(delivery.event.name == "Refused" for delivery in deliveries):
            raise DatabaseError("value too long")
        return fold(deliveries)

    monkeypatch.setattr(intake, "fold", refuse)
    drain()

    bad.refresh_from_db()
    assert bad.state == "pending"
    assert [a.name for a in Alert.objects.all()] == ["Good"]


def test_a_claim_is_no_larger_than_its_lease_is_long(connect):
    integration = connect("alertmanager").integration
    for _ in range(3):
        _pending(integration, body=b" " * inbox.MOST_BYTES_A_CLAIM)

    assert [len(inbox.claim(10)) for _ in range(3)] == [1, 1, 1]


def test_one_worker_a_data_folder_drains_at_a_time(connect):
    _pending(connect("alertmanager").integration)

    with alone(settings.DATA_DIR / "run" / "drain.lock") as is_first:
        beside = intake.drain()

    assert is_first
    assert beside == 0
    assert intake.drain() == 1


def _pending(integration, name="A", body=None):
    body = body or json.dumps(group(alert(name, service="x"))).encode()
    message = Message(integration=integration, received_at=timezone.now(), body=body)
    inbox.keep([message])
    return Message.objects.get(pk=message.pk)
