"""Servers the scaled mode needs: used when they are there, and started privately when they can be.

Without one its tests are skipped with the line that helps; under CI=true they fail instead.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import uuid

import psycopg
import pytest

from tests.chaos.conftest import free_port

ADVICE = {
    "redis": "sudo apt-get install redis-server",
    "rabbitmq": "sudo apt-get install rabbitmq-server && sudo service rabbitmq-server start",
    "postgresql": "sudo apt-get install postgresql && sudo service postgresql start",
}


def miss(server):
    said = f"There is no {server} here. Try: {ADVICE[server]}"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)


@contextlib.contextmanager
def private_redis():
    """Its process and its address; nobody else uses it."""
    binary = shutil.which("redis-server")
    if binary is None:
        miss("redis")
    port = free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]  # noqa: S108
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        demand("redis", "127.0.0.1", port)
        yield server, f"redis://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def demand(server, host, port, timeout=5):
    ends_at = time.monotonic() + timeout
    while time.monotonic() < ends_at:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.05)
    miss(server)


@contextlib.contextmanager
def scratch_database():
    """The address of an empty PostgreSQL database, dropped afterwards."""
    server = os.environ.get("TEST_POSTGRESQL_URL", "postgres://root@127.0.0.1")
    name = f"scratch_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        miss("postgresql")
    with contextlib.closing(admin):
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
