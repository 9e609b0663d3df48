"""P-6: a broker that is frozen delays work, and nobody who talks to the console notices."""

import contextlib
import secrets
import signal
import statistics
import time

import pytest

from tests.chaos.conftest import Sender, csrf, wait_for
from tests.chaos.servers import private_redis

KEY = {"AIOPS_SECRET_KEY": secrets.token_urlsafe(64)}
WORSE_BY_SECONDS = 0.05


@pytest.fixture
def redis():
    with private_redis() as (server, url):
        yield server, url
        server.send_signal(signal.SIGCONT)


def test_a_frozen_broker_is_not_noticed_by_senders_or_people(start, redis):
    server, url = redis
    console = start(AIOPS_BROKER_URL=f"{url}/0", AIOPS_CHANNEL_URL=f"{url}/1", **KEY)
    console.wait_until_ready()
    token = console.connect("alertmanager")
    before = post_for(console, token, "before", 2)
    wait_for(lambda: console.pending() == 0)

    server.send_signal(signal.SIGSTOP)
    during = post_for(console, token, "during", 4)
    with contextlib.closing(console.sign_in()) as person:
        acknowledging = acknowledge(console, person)
    server.send_signal(signal.SIGCONT)

    assert during.statuses == {202}
    assert p95(during) <= p95(before) + WORSE_BY_SECONDS
    assert acknowledging < 1
    wait_for(lambda: console.pending() == 0, timeout=60)
    alerts = console.query("SELECT count(*) FROM incidents_alert")
    assert alerts == [(len(before.accepted) + len(during.accepted),)]
    assert console.manage("doctor").returncode == 0


def post_for(console, token, name, seconds):
    sender = Sender(console, token, name)
    sender.start()
    time.sleep(seconds)  # a bounded load, not a hope
    sender.stop()
    return sender


def acknowledge(console, person):
    """How many seconds it took."""
    number = console.query("SELECT max(number) FROM incidents_incident")[0][0]
    started_at = time.monotonic()
    answer = person.post(
        f"/api/v1/incidents/{number}/acknowledge/", headers={"x-csrftoken": csrf(person)}, json={}
    )
    assert answer.status_code == 200, answer.text
    return time.monotonic() - started_at


def p95(sender):
    return statistics.quantiles(sender.seconds, n=20)[-1]
