import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from aiops_site import doorbell, env, spool
from aiops_site.doorbell import Line

QUEUE = "pipeline"


class Server:
    """Takes deliveries, or is down, or hangs until it is let go."""

    def __init__(self):
        self.taken = []
        self.is_down = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def delivery(self, name):
        def deliver():
            self.may_go_on.wait(10)
            if self.is_down:
                raise OperationalError("down")
            self.taken.append(name)

        return deliver


@pytest.fixture
def server():
    server = Server()
    yield server
    server.is_down = False
    server.may_go_on.set()


@pytest.fixture
def at(monkeypatch, tmp_path):
    """Point a doorbell of this test alone at a broker."""
    line = Line("broker", pause=doorbell.SECONDS_BETWEEN_SAME_RINGS)
    monkeypatch.setattr(doorbell, "_RINGS", line)
    apps = []

    def at(url):
        spool.register()
        address, options = env.broker(url, data_dir=tmp_path)
        app = Celery("bell", broker=address, set_as_current=False)
        app.conf.update(
            broker_transport_options=options,
            broker_connection_timeout=2,
            task_default_queue=QUEUE,
            task_ignore_result=True,
        )
        monkeypatch.setattr(doorbell, "current_app", app)
        apps.append(app)
        return app

    yield at
    for app in apps:
        app.close()


@contextlib.contextmanager
def redis_server(folder):
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI") == "true":
            pytest.fail("apt-get install redis-server")
        pytest.skip("apt-get install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while "Ready to accept connections" not in process.stdout.readline():
            assert process.poll() is None
        yield process, f"redis://127.0.0.1:{port}/0"
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def waiting(app):
    with app.connection_for_read() as connection, connection.channel() as channel:
        return channel._size(QUEUE)


def test_identical_rings_that_wait_are_sent_once(server):
    line = Line("test")
    server.may_go_on.clear()
    line.put("busy", server.delivery("busy"))

    for _ in range(50):
        line.put("drain", server.delivery("drain"))
    server.may_go_on.set()

    assert line.flush(5)
    assert server.taken == ["busy", "drain"]
    assert line.counts.coalesced == 49


def test_a_ring_after_the_last_change_is_never_swallowed(server):
    line = Line("test", pause=0.1)

    line.put("drain", server.delivery("first"))
    assert line.flush(5)
    line.put("drain", server.delivery("second"))

    assert line.flush(5)
    assert server.taken == ["first", "second"]


def test_a_pause_for_one_wish_does_not_delay_another(server):
    line = Line("test", pause=5)
    line.put("a", server.delivery("a"))
    assert line.flush(5)
    line.put("a", server.delivery("a again"))

    line.put("b", server.delivery("b"))

    assert not line.flush(0.5)
    assert server.taken == ["a", "b"]


def test_what_does_not_fit_is_dropped_and_counted(server):
    line = Line("test", most_waiting=10)
    server.may_go_on.clear()

    for number in range(30):
        line.put(number, server.delivery(number))

    assert 19 <= line.counts.dropped <= 20
    server.may_go_on.set()
    assert line.flush(5)
    assert len(server.taken) == 30 - line.counts.dropped


def test_a_server_that_comes_back_gets_what_waited(server, monkeypatch):
    monkeypatch.setattr(doorbell, "SECONDS_BEFORE_TRYING_AGAIN", 0.05)
    line = Line("test")
    server.is_down = True
    line.put("drain", server.delivery("drain"))
    assert not line.flush(0.2)

    server.is_down = False

    assert line.flush(5)
    assert server.taken == ["drain"]
    assert line.counts.last_error_at == pytest.approx(time.time(), abs=60)


def test_a_forked_child_starts_with_an_empty_line_and_a_thread_of_its_own(server):
    line = Line("test")
    server.may_go_on.clear()
    line.put("parent's", server.delivery("parent's"))

    child = os.fork()
    if child == 0:
        line.forget()
        server.may_go_on.set()
        line.put("child's", server.delivery("child's"))
        is_right = line.flush(5) and server.taken == ["child's"]
        os._exit(0 if is_right else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_embedded_broker_keeps_one_of_each_wish(at):
    app = at("embedded")

    for _ in range(3):
        doorbell.ring("incidents.tasks.drain_inbox")
        doorbell.ring("incidents.tasks.sweep", [42])
        assert doorbell.flush()

    assert waiting(app) == 2


def test_a_wish_that_was_taken_may_be_made_again(at):
    app = at("embedded")
    doorbell.ring("incidents.tasks.sweep", [42])
    assert doorbell.flush()

    with app.connection_for_read() as connection, connection.channel() as channel:
        taken = channel._get(QUEUE)
    doorbell.ring("incidents.tasks.sweep", [42])

    assert taken["headers"]["task"] == "incidents.tasks.sweep"
    assert doorbell.flush()
    assert waiting(app) == 1


def test_arguments_that_are_not_json_are_the_callers_mistake():
    with pytest.raises(TypeError):
        doorbell.ring("incidents.tasks.sweep", [object()])


def test_nobody_waits_for_a_broker_that_is_not_there(at):
    at("redis://127.0.0.1:9/0")

    started_at = time.monotonic()
    for number in range(1_500):
        doorbell.ring("incidents.tasks.sweep", [number])

    assert time.monotonic() - started_at < 0.5
    assert doorbell._RINGS.counts.dropped >= 400


def test_nobody_waits_for_a_frozen_broker_and_it_is_rung_when_it_is_back(at, tmp_path):
    with redis_server(tmp_path) as (process, url):
        app = at(url)
        doorbell.ring("incidents.tasks.drain_inbox")
        assert doorbell.flush(5)
        process.send_signal(signal.SIGSTOP)

        started_at = time.monotonic()
        for number in range(100):
            doorbell.ring("incidents.tasks.sweep", [number])
        seconds = time.monotonic() - started_at
        was_flushed = doorbell.flush(3)
        process.send_signal(signal.SIGCONT)

        assert seconds < 0.2
        assert not was_flushed
        assert doorbell.flush(20)
        assert waiting(app) >= 101
