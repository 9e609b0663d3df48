from celery import shared_task
from django.utils import timezone

from telemetry import detection


@shared_task
def judge_new_points() -> None:
    if detection.judge_new_points() >= detection.POINTS_A_TURN:
        judge_new_points.delay_on_commit()


@shared_task
def forget_old_points() -> None:
    detection.forget_old_points(timezone.now())
