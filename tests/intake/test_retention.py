"""P-49: what was read is forgotten after a while, and nobody is held up or misses anything."""

import itertools
import sqlite3
import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from aiops_site import doctor
from incidents import inbox, retention
from incidents.models import Alert, Incident, Message
from incidents.tasks import forget_old_messages
from tests.intake.conftest import alert, drain, group

NOW = timezone.now()
OLD = NOW - timedelta(days=31)
LONGEST_LOCK_SECONDS = 0.2
IDS = itertools.count()


@pytest.fixture
def source(connect):
    return connect("alertmanager").integration


def kept(source, count=1, *, at=OLD, **fields):
    """Messages that came at that time, and were read unless something else is said."""
    usual = {"state": "processed", "body": b"{}", "processed_at": at}
    made = [
        Message(integration=source, received_at=at, delivery_key=f"{next(IDS)}", **usual | fields)
        for _ in range(count)
    ]
    return Message.objects.bulk_create(made, batch_size=500)


def forget():
    while retention.forget_old_messages(NOW):
        pass
    return set(Message.objects.values_list("pk", flat=True))


def pks(*messages):
    return {message.pk for message in itertools.chain(*messages)}


def test_what_was_read_long_ago_is_deleted_and_what_was_read_lately_stays(source):
    kept(source, 3)
    lately = kept(source, 2, at=NOW - timedelta(days=29))

    assert forget() == pks(lately)


def test_how_long_is_a_setting(source, settings):
    settings.KEEP_MESSAGES_DAYS = 32
    old, newest = kept(source), kept(source, at=NOW)

    assert forget() == pks(old, newest)


@pytest.mark.parametrize("state", ["pending", "dead"])
def test_what_waits_or_is_dead_is_kept_until_somebody_decides(source, state):
    waiting = kept(source, state=state, reason="why")
    kept(source, 2)
    newest = kept(source, at=NOW)

    assert forget() == pks(waiting, newest)


def test_the_newest_message_of_a_source_says_when_it_last_spoke(source, connect):
    kept(source)
    newest = kept(source)
    other = kept(connect("generic").integration)

    assert forget() == pks(newest, other)


def deliver(source, *alerts, at):
    keys = [str(next(IDS)) for _ in alerts]
    for key, each in zip(keys, alerts, strict=True):
        body = str(group(each)).replace("'", '"').encode()
        inbox.keep([Message(integration=source, received_at=at, body=body, delivery_key=key)])
    drain()
    return Message.objects.filter(delivery_key__in=keys)


def test_the_first_and_last_deliveries_of_an_alert_that_still_fires_are_kept(source):
    first = deliver(source, alert("Down", service="x"), at=OLD - timedelta(hours=2))
    deliver(source, alert("Down", service="x"), at=OLD - timedelta(hours=1))
    last = deliver(source, alert("Down", service="x"), at=OLD)
    newest = kept(source, at=NOW)

    assert forget() == pks(first, last, newest)


def test_deliveries_of_a_resolved_alert_are_kept_while_its_incident_goes_on(source):
    both = deliver(source, alert("A", service="x"), alert("B", service="x"), at=OLD)
    resolved = deliver(source, alert("A", service="x", status="resolved"), at=OLD)
    newest = kept(source, at=NOW)

    assert forget() == pks(both, resolved, newest)


def test_when_the_incident_is_over_its_deliveries_go_and_it_stays(source):
    deliver(source, alert("A", service="x"), at=OLD)
    deliver(source, alert("A", service="x", status="resolved"), at=OLD)
    newest = kept(source, at=NOW)

    assert forget() == pks(newest)
    assert (Alert.objects.count(), Incident.objects.get().status) == (1, "resolved")
    assert all(verdict.holds for verdict in doctor.examine())


def test_a_message_that_is_read_again_meanwhile_stays(source, monkeypatch):
    replayed, _, newest = kept(source, 3)
    delete = retention._delete

    def replay_first(ids):
        inbox.replay(replayed)
        delete(ids)

    monkeypatch.setattr(retention, "_delete", replay_first)

    assert forget() == pks([replayed, newest])


def test_a_batch_is_small_in_rows_and_in_bytes(source, monkeypatch):
    sizes = []
    delete = retention._delete
    monkeypatch.setattr(retention, "_delete", lambda ids: (sizes.append(len(ids)), delete(ids)))
    kept(source, 1_500)
    kept(source, 3, body=b"x" * retention.MOST_BYTES)
    kept(source, at=NOW)

    assert len(forget()) == 1
    assert sizes == [1_000, 500, 1, 1, 1]


def test_a_turn_ends_and_the_task_rings_for_the_next_one(source, monkeypatch):
    rung = []
    monkeypatch.setattr(forget_old_messages, "delay_on_commit", lambda: rung.append(1))
    monkeypatch.setattr(retention, "TURN_SECONDS", 0)
    kept(source, 2)

    forget_old_messages()
    after_a_turn_without_time = Message.objects.count()
    monkeypatch.setattr(retention, "TURN_SECONDS", 60)
    forget_old_messages()

    assert (after_a_turn_without_time, len(rung)) == (2, 1)
    assert Message.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks only the rows")
def test_nobody_waits_long_for_sqlites_one_lock(source):
    kept(source, 4_000, body=b"x" * 1_500)
    kept(source, at=NOW)
    waits, enough = [], threading.Event()

    def write():
        path = settings.DATABASES["default"]["TEST"]["NAME"]
        database = sqlite3.connect(path, isolation_level=None, timeout=0)
        while not enough.is_set():
            waits.append(seconds_to_lock(database))
            time.sleep(0.002)
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    left = forget()
    enough.set()
    writer.join()

    assert len(left) == 1
    assert max(waits) < LONGEST_LOCK_SECONDS


def seconds_to_lock(database):
    """Trying all the time: SQLite's own waiting sleeps for longer than the lock is held."""
    started_at = time.monotonic()
    while True:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            time.sleep(0.001)
            continue
        database.execute("ROLLBACK")
        return time.monotonic() - started_at
