"""P-9 and P-10: whatever the order, the doubles and the number of workers, the end is the same."""

import contextlib
import json
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from incidents import inbox, intake, lifecycle
from incidents.models import Alert, CorrelationRule, Incident, Message
from tests.intake.conftest import alert, drain, group, in_threads

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
SERVICES = ("a", "b", "c")


def history(name, episodes, *, is_over):
    """What a sender says about one alert: each episode fires and, but for the last, ends."""
    events = []
    for number in range(episodes):
        starts_at = BEGIN + timedelta(hours=number)
        labels = {"service": SERVICES[ord(name[0]) % 3], "instance": name}
        fired = alert("Down", starts_at=starts_at.isoformat(), **labels)
        events += [fired, fired]
        if number < episodes - 1 or is_over:
            ends_at = starts_at + timedelta(minutes=30)
            events.append(fired | {"status": "resolved", "endsAt": ends_at.isoformat()})
    return events


def keep(integration, events):
    received_at = timezone.now()
    inbox.keep(
        [
            Message(
                integration=integration,
                received_at=received_at + timedelta(milliseconds=place),
                body=json.dumps(group(event)).encode(),
            )
            for place, event in enumerate(events)
        ]
    )


def check_counts():
    for incident in Incident.objects.all():
        firing = incident.alerts.filter(status=Alert.Status.FIRING).count()
        assert incident.firing_count == firing
        assert incident.alert_count == incident.links.count()
        assert incident.is_active == (firing > 0)
        entries = incident.timeline.values_list("seq", flat=True)
        assert list(entries) == list(range(1, incident.last_seq + 1))


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_delivery_ends_in_what_the_senders_said_last(connect, seed):
    integration, chance = connect("alertmanager").integration, random.Random(seed)  # noqa: S311
    names = [f"{letter}{number}" for letter in "abc" for number in range(5)]
    firing = {name for name in names if chance.random() < 0.5}
    events = [
        event
        for name in names
        for event in history(name, chance.randint(1, 3), is_over=name not in firing)
    ]
    chance.shuffle(events)

    while events:
        size = chance.randint(1, 20)
        keep(integration, events[:size])
        del events[:size]
        drain()

    still = Alert.objects.filter(status="firing").values_list("labels__instance", flat=True)
    assert set(still) == firing
    assert Alert.objects.count() == len(names)
    check_counts()


def test_eight_workers_at_once_leave_one_active_incident_a_key(connect, monkeypatch):
    monkeypatch.setattr(intake, "CLAIM", 5)
    integration, chance = connect("alertmanager").integration, random.Random(8)  # noqa: S311
    names = [f"{letter}{number}" for letter in "abc" for number in range(12)]
    events = [event for name in names for event in history(name, 2, is_over=False)]
    chance.shuffle(events)
    keep(integration, events)

    in_threads(lambda _: work(), 8)
    Message.objects.update(claimed_until=None)  # of whoever SQLite kept waiting for too long
    drain()

    assert not Message.objects.exclude(state="processed").exists()
    assert set(Alert.objects.values_list("status", "event_count")) == {("firing", 5)}
    active = list(Incident.objects.active().values_list("correlation_key", flat=True))
    assert len(active) == len(set(active)) == len(SERVICES)
    check_counts()


def work():
    with contextlib.suppress(OperationalError):
        intake.work_through(time.monotonic() + 10)


@pytest.mark.parametrize("attempt", range(5))
def test_an_incident_that_is_resolved_meanwhile_takes_no_alert_in(connect, attempt):
    CorrelationRule.objects.create(name="One cluster", group_by=["cluster"], window_seconds=600)
    integration = connect("alertmanager").integration
    keep(integration, [alert("First", service="a", cluster="eu")])
    drain()
    number = Incident.objects.get().number
    keep(integration, [alert("Second", service="b", cluster="eu")])
    deeds = [lambda: lifecycle.transition(number, to="resolved", actor="ada"), drain]

    in_threads(lambda place: deeds[place](), 2)

    kinds = list(Incident.objects.get(number=number).timeline.values_list("kind", flat=True))
    home = Alert.objects.get(name="Second").incident
    assert kinds[-1] == "status"
    assert home.is_active == (home.number != number)
