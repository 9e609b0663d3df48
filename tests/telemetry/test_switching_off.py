"""A watch that is switched off ends its open anomaly, and so resolves the alert about it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents.models import Alert, Incident
from telemetry import detection
from telemetry.detection import ALARM, judge_new_points
from telemetry.models import Anomaly, Watch
from tests.telemetry.test_detection import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_worker(eager: None) -> Iterator[None]:
    """It remembers nothing of another test."""
    detection._desks.clear()
    yield
    detection._desks.clear()


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """Does something, and then what was to happen after commit."""

    def run(deed: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return deed()

    return run


@pytest.fixture
def sender(committed: Any) -> Sender:
    """Its latency is odd, an anomaly is open, and its alert has opened an incident."""
    sender = Sender("http.server.request.duration.p95")
    sender.usual()
    sender.odd()
    committed(judge_new_points)
    assert Alert.objects.get().status == "firing"
    return sender


def save_in_admin(client: Client, watch: Watch, **ticked: str) -> None:
    url = reverse("admin:telemetry_watch_change", args=[watch.pk])
    answer = client.post(url, {"detector": watch.detector, "settings": "{}", **ticked})
    assert answer.status_code == 302


def assert_all_is_over() -> None:
    assert Anomaly.objects.get().ended_at is not None
    assert Alert.objects.get().status == "resolved"
    assert Incident.objects.get().status == "resolved"


def test_switching_it_off_resolves_its_alert(admin_client: Client, committed: Any, sender: Sender):
    committed(lambda: save_in_admin(admin_client, sender.watch, raises_alerts="on"))

    assert not Watch.objects.get().is_enabled
    assert_all_is_over()


def test_silencing_it_resolves_its_alert(admin_client: Client, committed: Any, sender: Sender):
    committed(lambda: save_in_admin(admin_client, sender.watch, is_enabled="on"))

    assert not Watch.objects.get().raises_alerts
    assert_all_is_over()


def test_deleting_it_resolves_its_alert(committed: Any, sender: Sender):
    committed(Watch.objects.all().delete)

    assert_all_is_over()


def test_deleting_the_service_resolves_its_alert(committed: Any, sender: Sender):
    committed(sender.series.service.delete)

    assert not Anomaly.objects.exists()
    assert Alert.objects.get().status == "resolved"


def test_tuning_it_leaves_the_anomaly_open(admin_client: Client, committed: Any, sender: Sender):
    both = {"is_enabled": "on", "raises_alerts": "on"}

    committed(lambda: save_in_admin(admin_client, sender.watch, **both))

    assert Anomaly.objects.get().ended_at is None
    assert Alert.objects.get().status == "firing"


def test_one_that_only_draws_a_band_ends_its_anomaly_and_tells_nobody(committed: Any):
    quiet = Sender("http.server.request.duration.p95", raises_alerts=False)
    quiet.usual()
    quiet.odd()
    committed(judge_new_points)

    committed(quiet.watch.delete)

    assert Anomaly.objects.get().ended_at is not None
    assert not Alert.objects.exists()


def test_switched_on_again_it_raises_the_next_anomaly(committed: Any, sender: Sender):
    watch = Watch.objects.get()
    watch.is_enabled = False
    committed(watch.save)
    watch.is_enabled = True
    committed(watch.save)
    sender.at_ms = int(time.time() * 1000)

    sender.odd(ALARM["among"])
    committed(judge_new_points)

    assert Anomaly.objects.filter(ended_at=None).count() == 1
    assert Alert.objects.get().status == "firing"
