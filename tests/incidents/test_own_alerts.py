from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone

from incidents import inbox, intake, own_alerts
from incidents.models import Alert, Incident, Integration, Message
from telemetry.models import Anomaly, Series, Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly() -> Any:
    def make(peak_score: float = 2.0, **facts: Any) -> Anomaly:
        service, _ = Service.objects.get_or_create(slug="checkout")
        series, _ = Series.objects.get_or_create(
            key="k", defaults={"service": service, "name": "latency.p95", "unit": "s"}
        )
        started_at = timezone.now() - timedelta(minutes=1)
        usual = {"value": 5.0, "lower": 0.1, "upper": 0.3, "started_at": started_at}
        return Anomaly.objects.create(series=series, peak_score=peak_score, **(usual | facts))

    return make


def told() -> dict[str, str]:
    return orjson.loads(bytes(Message.objects.latest("pk").body))


def drain() -> None:
    intake.work_through(float("inf"))


def test_what_it_says_names_the_service_the_metric_and_both_numbers(anomaly: Any):
    own_alerts.send(anomaly(), has_ended=False)

    assert told()["status"] == "firing"
    assert told()["service"] == "checkout"
    assert told()["summary"] == "checkout: latency.p95 is 5 s, expected 100 ms to 300 ms"
    assert "ends_at" not in told()


@pytest.mark.parametrize(("score", "severity"), [(1.2, "medium"), (5.0, "high"), (900.0, "high")])
def test_how_bad_it_is_follows_the_score(anomaly: Any, score: float, severity: str):
    own_alerts.send(anomaly(score), has_ended=False)
    drain()

    assert Alert.objects.get().severity == severity


def test_an_end_says_since_when(anomaly: Any):
    ended_at = timezone.now()

    own_alerts.send(anomaly(ended_at=ended_at), has_ended=True)

    assert (told()["status"], told()["ends_at"]) == ("resolved", ended_at.isoformat())


def test_the_alert_has_the_anomalys_own_times(anomaly: Any):
    one = anomaly()
    own_alerts.send(one, has_ended=False)
    one.ended_at = timezone.now()
    one.save()
    own_alerts.send(one, has_ended=True)

    drain()

    alert = Alert.objects.get()
    assert (alert.starts_at, alert.ends_at) == (one.started_at, one.ended_at)
    assert alert.status == "resolved"
    assert Incident.objects.get().service.slug == "checkout"


def test_the_same_message_twice_is_one_alert_and_one_incident(anomaly: Any):
    one = anomaly()

    for _ in range(2):
        own_alerts.send(one, has_ended=False)
        drain()

    assert Alert.objects.count() == Incident.objects.count() == 1


def test_all_come_from_one_integration_whose_token_nobody_has(anomaly: Any):
    one = anomaly()
    own_alerts.send(one, has_ended=False)
    own_alerts.send(one, has_ended=False)

    integration = Integration.objects.get()
    assert (integration.name, integration.token_prefix) == (own_alerts.NAME, "")
    assert {m.integration_id for m in inbox.claim(10)} == {integration.pk}
