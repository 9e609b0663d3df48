from celery import shared_task
from django.utils import timezone

from telemetry import (
    asking,
    changes,
    detection,
    observing,
    own_metrics,
    own_records,
    topology_versions,
)


@shared_task
def judge_new_points() -> None:
    if detection.judge_new_points() >= detection.POINTS_A_TURN:
        judge_new_points.delay_on_commit()


@shared_task
def forget_old_points() -> None:
    detection.forget_old_points(timezone.now())


@shared_task
def compact_metrics() -> None:
    if not own_metrics.compact(timezone.now()):
        compact_metrics.delay_on_commit()  # others may come in between


@shared_task
def forget_old_metrics() -> None:
    if not own_metrics.forget_old(timezone.now()):
        forget_old_metrics.delay_on_commit()


@shared_task
def forget_old_records() -> None:
    own_records.forget_old(timezone.now())
    changes.forget_old(timezone.now())


@shared_task
def observe_topology() -> None:
    observing.observe(timezone.now())


@shared_task
def forget_old_topology() -> None:
    topology_versions.forget_old(timezone.now())


@shared_task
def check_sources() -> None:
    asking.check_all()
