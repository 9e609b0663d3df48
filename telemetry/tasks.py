from celery import shared_task
from django.utils import timezone

from telemetry import detection


@shared_task
def judge_new_points() -> None:
    detection.judge_new_points()


@shared_task
def forget_old_points() -> None:
    detection.forget_old_points(timezone.now())
