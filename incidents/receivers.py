"""What happens in this app when something happened: edges that schedule work."""

from typing import Any

from django.dispatch import receiver

from incidents import own_alerts, signals, tasks
from incidents.analysis import pipeline
from telemetry import signals as telemetry_signals
from telemetry.models import Anomaly


@receiver(signals.incident_opened)
def analyse_what_opened(number: int, **_: Any) -> None:
    pipeline.begin(number)
    tasks.analyse.delay_on_commit(number)


@receiver(signals.analysis_finished)
@receiver(signals.incident_resolved)
def learn_from_what_ended(number: int, **_: Any) -> None:
    tasks.learn.delay_on_commit(number)


@receiver(telemetry_signals.anomaly_began)
def alert_about_anomaly(anomaly_id: int, **_: Any) -> None:
    _tell(anomaly_id, has_ended=False)


@receiver(telemetry_signals.anomaly_ended)
def resolve_alert_about_anomaly(anomaly_id: int, **_: Any) -> None:
    _tell(anomaly_id, has_ended=True)


def _tell(anomaly_id: int, *, has_ended: bool) -> None:
    anomaly = Anomaly.objects.select_related("series__service", "series__watch").get(pk=anomaly_id)
    if anomaly.series.watch.raises_alerts:
        own_alerts.send(anomaly, has_ended=has_ended)
        tasks.drain_inbox.delay_on_commit()
