"""P-6: a broker that is frozen delays work, and nobody who talks to the console notices."""

import contextlib
import secrets
import signal
import statistics
import time
from functools import partial

import pytest

from tests.chaos.conftest import Sender, csrf, wait_for
from tests.chaos.servers import private_redis

KEY = {"AIOPS_SECRET_KEY": secrets.token_urlsafe(64)}
WORSE_BY_SECONDS = 0.05
BASELINE_SECONDS = 5
PAUSES = (0, 6, 6)  # between a person's deeds: the broker stays frozen for more than twelve seconds


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
    with contextlib.closing(console.sign_in()) as person:
        before = post_for(console, token, "before", BASELINE_SECONDS)
        wait_for(lambda: console.pending() == 0)

        server.send_signal(signal.SIGSTOP)
        during = Sender(console, token, "during")
        during.start()
        asked = [work_on_an_incident(console, person, pause) for pause in PAUSES]
        during.stop()
        server.send_signal(signal.SIGCONT)

    assert during.statuses == {202}
    assert not during.unsure
    assert p99(during) <= p99(before) + WORSE_BY_SECONDS
    assert max(asked) < 1
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


def work_on_an_incident(console, person, pause):
    """How many seconds the slowest of what a person does took, after they had thought."""
    time.sleep(pause)
    number = console.query("SELECT max(number) FROM incidents_incident")[0][0]
    address, headers = f"/api/v1/incidents/{number}", {"x-csrftoken": csrf(person)}
    deeds = [
        partial(person.get, f"/incidents/INC-{number}/"),
        partial(person.post, f"{address}/acknowledge/", headers=headers, json={}),
        partial(person.post, f"{address}/comment/", headers=headers, json={"text": "Looking."}),
    ]
    return max(seconds_of(deed) for deed in deeds)


def seconds_of(deed):
    started_at = time.monotonic()
    answer = deed()
    assert answer.is_success, answer.text
    return time.monotonic() - started_at


def p99(sender):
    return statistics.quantiles(sender.seconds, n=100)[-1]
