from datetime import timedelta

import pytest
from celery.signals import after_task_publish
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from aiops_site import health_tiles, heartbeats, tasks
from aiops_site.models import Heartbeat
from aiops_site.tile import judged
from incidents.models import Message
from tests.site.pages import browser, connected, deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer():
    return browser("vera", "viewer")


def seen(name, seconds_ago):
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Heartbeat.objects.update_or_create(name=name, defaults={"at": at})


def everyone_seen(seconds_ago):
    for name in ("scheduler", "worker pipeline", "worker execution"):
        seen(name, seconds_ago)


def states(client):
    return {tile.title: tile.state for tile in client.get(reverse("status")).context["tiles"]}


def test_every_part_has_a_tile_and_all_are_well(viewer):
    everyone_seen(1)

    page = viewer.get(reverse("status"))

    assert {tile.title for tile in page.context["tiles"]} == set(health_tiles.TILES)
    assert page.context["verdict"] == ("ok", "All parts work")


def test_a_worker_that_stopped_is_down_within_thirty_seconds(viewer):
    everyone_seen(1)
    seen("worker pipeline", 26)

    found = states(viewer)

    assert found["Worker"] == "down"
    assert found["Executions worker"] == "ok"
    assert found["Scheduler"] == "ok"


def test_a_silent_scheduler_is_blamed_and_not_the_workers_it_does_not_ask(viewer):
    everyone_seen(40)

    found = states(viewer)

    assert found["Scheduler"] == "down"
    assert found["Worker"] == "degraded"


def test_a_part_that_was_never_seen_is_down(viewer):
    assert states(viewer)["Scheduler"] == "down"


def test_a_tile_that_cannot_look_fails_alone(viewer, monkeypatch):
    def broken():
        raise DatabaseError("no such table")

    monkeypatch.setitem(health_tiles.TILES, "Inbox", broken)

    found = viewer.get(reverse("status")).context["tiles"]

    tile = next(tile for tile in found if tile.title == "Inbox")
    assert (tile.state, tile.detail) == ("down", "DatabaseError")
    assert len(found) == len(health_tiles.TILES)


def test_a_delivery_that_waits_too_long_degrades_the_inbox(viewer):
    deliver(connected().integration, b"{}", received_at=timezone.now() - timedelta(seconds=30))

    assert states(viewer)["Inbox"] == "degraded"


def test_the_way_from_accepted_to_alert_is_measured_on_what_was_read(viewer):
    source = connected().integration
    now = timezone.now()
    for seconds in (1, 1, 9):
        done = {"state": Message.State.PROCESSED, "processed_at": now}
        deliver(source, b"{}", received_at=now - timedelta(seconds=seconds), **done)

    tiles = viewer.get(reverse("status")).context["tiles"]

    tile = next(tile for tile in tiles if tile.title == "Accepted to alert")
    assert (tile.state, tile.value) == ("degraded", "p95 9.00 s")


def test_dead_letters_lead_to_the_sources(viewer):
    deliver(connected().integration, b"{", state="dead", received_at=timezone.now())

    page = viewer.get(reverse("status")).content.decode()

    assert f'<a href="{reverse("sources")}">Open</a>' in page


def test_for_htmx_only_the_tiles_are_sent(viewer):
    page = viewer.get(reverse("status"), headers={"hx-request": "true"}).content.decode()

    assert "<html" not in page
    assert "Scheduler" in page


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_task_is_the_workers_and_ringing_it_the_schedulers():
    tasks.beat_heartbeat("pipeline")
    after_task_publish.send(sender=tasks.beat_heartbeat.name)

    assert set(heartbeats.last_seen()) == {"worker pipeline", "scheduler"}


def test_ringing_another_task_is_no_sign_of_the_scheduler():
    after_task_publish.send(sender="incidents.tasks.drain_inbox")

    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize(
    ("value", "state"), [(0, "ok"), (9.9, "ok"), (10, "degraded"), (19, "degraded"), (20, "down")]
)
def test_a_limit_that_is_reached_counts(value, state):
    assert judged(value, degraded=10, down=20) == state
