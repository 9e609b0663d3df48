"""What happens in this app when something happened to its rows."""

from typing import Any

from django.db import transaction
from django.db.models.signals import pre_delete, pre_save
from django.dispatch import receiver
from django.utils import timezone

from telemetry import detection
from telemetry.models import Watch


@receiver(pre_save, sender=Watch)
@transaction.atomic
def end_what_is_switched_off(instance: Watch, **_: Any) -> None:
    """Before it is written, so that whoever hears of the end still finds that it raised alerts.

    Locked, so that no worker begins another anomaly meanwhile.
    """
    before = Watch.objects.select_for_update().filter(pk=instance.pk).first()
    if before is not None and _is_switched_off(before, instance):
        detection.end_anomaly_of(before, timezone.now())


@receiver(pre_delete, sender=Watch)
def end_what_goes_with_its_watch(instance: Watch, **_: Any) -> None:
    detection.end_anomaly_of(instance, timezone.now())


def _is_switched_off(before: Watch, after: Watch) -> bool:
    is_silenced = before.raises_alerts and not after.raises_alerts
    return is_silenced or (before.is_enabled and not after.is_enabled)
