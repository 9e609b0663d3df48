import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import orjson
import pytest

ROOT = Path(__file__).parents[2]
PASSWORD = "a long enough password"


class Console:
    """A real `manage.py up` with a data folder of its own."""

    def __init__(self, data_dir, *arguments, port=None, **environment):
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "AIOPS_DATA_DIR": str(data_dir),
            "AIOPS_PORT": str(self.port),
            "ESTATE": "none",
            "PASSWORD": PASSWORD,
            **environment,
        }
        self.lines = []
        self._is_ready = threading.Event()
        self.process = self._start("up", *arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self, timeout=60):
        assert self._is_ready.wait(timeout), self.lines

    def manage(self, *arguments):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )

    def connect(self, provider):
        made = self.manage("create_integration", provider, "--name", provider, "--json")
        return orjson.loads(made.stdout)["token"]

    def pid_of(self, name):
        """Of the child that `up` calls by this name; None while there is none."""
        return next((pid for pid in children_of(self.process.pid) if name_of(pid) == name), None)

    def kill(self, name):
        pid = wait_for(lambda: self.pid_of(name))
        os.kill(pid, signal.SIGKILL)

    def query(self, statement, *parameters):
        """Of the SQLite database, beside the console."""
        database = sqlite3.connect(self.data_dir / "console.sqlite3", timeout=10)
        try:
            return database.execute(statement, parameters).fetchall()
        finally:
            database.close()

    def pending(self):
        return self.query("SELECT count(*) FROM incidents_message WHERE state = 'pending'")[0][0]

    def sign_in(self):
        """An HTTP client with the session of an administrator."""
        made = self.manage("create_admin", "--username", "ada", "--password-env", "PASSWORD")
        assert made.returncode == 0, made.stderr
        client = httpx.Client(base_url=self.url, timeout=10)
        client.get("/login/")
        fields = {"username": "ada", "password": PASSWORD}
        answer = client.post("/login/", data=fields | {"csrfmiddlewaretoken": csrf(client)})
        assert answer.status_code == 302, answer.text
        return client

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=12)
        finally:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def _start(self, *arguments):
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if "ready in" in line:
                self._is_ready.set()


class Sender(threading.Thread):
    """One connection that posts one alert after the other, until told to stop.

    `accepted` and `unsure` hold delivery ids: those thanked for, and those nobody answered.
    `labels_of` says what an alert is labelled with, by its delivery id.
    """

    def __init__(self, console, token, name, *, labels_of=None, pause_seconds=0):
        super().__init__(daemon=True)
        self.url = f"{console.url}/api/v1/webhooks/alertmanager/"
        self.token, self.name = token, name
        self.labels_of, self.pause_seconds = labels_of or _no_labels, pause_seconds
        self.accepted, self.unsure, self.seconds = set(), set(), []
        self.statuses = set()
        self.enough = threading.Event()

    def run(self):
        with httpx.Client(timeout=5) as client:
            for number in range(100_000):
                if self.enough.is_set():
                    return
                self._post(client, f"{self.name}-{number}")
                time.sleep(self.pause_seconds)

    def _post(self, client, delivery):
        started_at = time.monotonic()
        try:
            answer = post(client, self.url, self.token, delivery, **self.labels_of(delivery))
        except httpx.TransportError:
            self.unsure.add(delivery)
            return
        self.seconds.append(time.monotonic() - started_at)
        self.statuses.add(answer.status_code)
        (self.accepted if answer.status_code == 202 else self.unsure).add(delivery)

    def stop(self):
        self.enough.set()
        self.join()


def post(client, url, token, delivery, service="checkout", **labels):
    usual = {"alertname": "Down", "service": service, "instance": delivery}
    alert = {
        "status": "firing",
        "labels": usual | labels,
        "annotations": {},
        "startsAt": "2026-11-20T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    headers = {"authorization": f"Bearer {token}", "webhook-id": delivery}
    body = {"version": "4", "status": "firing", "alerts": [alert]}
    return client.post(url, json=body, headers=headers)


def _no_labels(delivery):
    return {}


def csrf(client):
    return client.cookies.get("csrftoken", "")


def children_of(pid):
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_for(claim, timeout=20):
    """What the claim says as soon as it says something."""
    ends_at = time.monotonic() + timeout
    while not (said := claim()):
        assert time.monotonic() < ends_at, claim
        time.sleep(0.02)
    return said


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def start(tmp_path):
    consoles = []

    def start(*arguments, data_dir=tmp_path / "data", **environment):
        consoles.append(Console(data_dir, *arguments, **environment))
        return consoles[-1]

    yield start
    for console in consoles:
        console.close()


@pytest.fixture
def console(start):
    """Afterwards its database must be sound."""
    console = start()
    console.wait_until_ready()
    yield console
    examined = console.manage("doctor")
    assert examined.returncode == 0, examined.stdout
