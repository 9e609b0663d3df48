"""Pages and tasks of the tiny console."""

import os
import time
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path


@shared_task(name="tiny.stamp")
def stamp(name):
    Path(settings.DATA_DIR, name).write_text(str(time.time()))


@shared_task(name="tiny.sleep")
def sleep(seconds):
    time.sleep(seconds)


def explain_sign_in():
    return "Sign in at /welcome"


def stay_silent():
    return ""


def ready(request):
    return HttpResponse(str(os.getpid()))


def ring(request, name):
    stamp.delay_on_commit(name)
    return HttpResponse(str(time.time()))


def block(request):
    sleep.delay_on_commit(600)
    sleep.delay_on_commit(601)
    sleep.delay_on_commit(602)
    return HttpResponse("rung")


urlpatterns = [path("readyz", ready), path("ring/<name>", ring), path("block", block)]
application = get_asgi_application()
