"""The same console on PostgreSQL, Redis and RabbitMQ: only the addresses differ."""

import os
import secrets
import subprocess
import sys
import time

import httpx
import psycopg
import pytest

from tests.chaos.conftest import ROOT, post, wait_for
from tests.chaos.servers import demand, private_redis, scratch_database

# What the database has no part in, and how SQLite's one lock is shared.
OF_SQLITE = ("test_poison.py", "test_retention.py", "test_slow_senders.py", "test_writer.py")
KEY = {"AIOPS_SECRET_KEY": secrets.token_urlsafe(64)}


@pytest.fixture
def database():
    with scratch_database() as url:
        yield url


def test_the_whole_way_on_postgresql_and_redis_with_a_process_of_each_role(start, database):
    with private_redis() as (_, redis):
        addresses = {
            "DATABASE_URL": database,
            "AIOPS_BROKER_URL": f"{redis}/0",
            "AIOPS_CHANNEL_URL": f"{redis}/1",
        }
        web = start("--only", "web", **addresses, **KEY)
        web.wait_until_ready()
        start("--only", "worker", **addresses, **KEY)
        start("--only", "beat", **addresses, **KEY)

        assert_an_alert_becomes_an_analysed_incident(web, database)


def test_the_whole_way_on_rabbitmq(start, database):
    demand("rabbitmq", "127.0.0.1", 5672, timeout=1)
    amqp = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
    console = start(DATABASE_URL=database, AIOPS_BROKER_URL=amqp, **KEY)
    console.wait_until_ready()

    assert_an_alert_becomes_an_analysed_incident(console, database)


def assert_an_alert_becomes_an_analysed_incident(console, database):
    token = console.connect("alertmanager")
    url = f"{console.url}/api/v1/webhooks/alertmanager/"
    with httpx.Client() as client:
        for number in range(20):
            assert post(client, url, token, f"{number}").status_code == 202

    def is_done():
        with psycopg.connect(database) as connection:
            rows = connection.execute(
                "SELECT (SELECT count(*) FROM incidents_alert),"
                " (SELECT sum(firing_count) FROM incidents_incident),"
                " (SELECT count(*) FROM incidents_analysisstep WHERE finished_at IS NOT NULL)"
            )
            alerts, firing, steps = rows.fetchone()
        return (alerts, firing) == (20, 20) and steps >= 7

    wait_for(is_done, timeout=40)
    assert console.manage("doctor").returncode == 0


def test_intake_and_sockets_are_proved_on_postgresql_too(database):
    """The same tests in a second process: a database is chosen when settings are read."""
    environment = os.environ | KEY | {"DATABASE_URL": database}
    command = [sys.executable, "-m", "pytest", "-p", "tests.environment", "-q"]
    command += [
        "tests/intake",
        "tests/live",
        *(f"--ignore=tests/intake/{name}" for name in OF_SQLITE),
    ]
    started_at = time.monotonic()

    ran = subprocess.run(  # noqa: S603
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-4000:]
    assert time.monotonic() - started_at < 240
