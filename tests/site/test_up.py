import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


class Console:
    """A real `manage.py up` of the tiny console."""

    def __init__(self, data_dir, *arguments, port=None):
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.site.tiny_console",
            "AIOPS_DATA_DIR": str(data_dir),
            "AIOPS_PORT": str(self.port),
            "ESTATE": "none",
        }
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "manage.py", "up", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self._said = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self._said.put(line)

    def wait_for_line(self, part, timeout=30):
        ends_at = time.monotonic() + timeout
        while time.monotonic() < ends_at:
            line = self._said.get(timeout=max(0.01, ends_at - time.monotonic()))
            if part in line:
                return line
        raise AssertionError(self.lines)

    def processes(self):
        """Process id to name, of all descendants."""
        found = {}
        pending = [self.process.pid]
        while pending:
            pid = pending.pop()
            for child in children_of(pid):
                found[child] = Path(f"/proc/{child}/comm").read_text().strip()
                pending.append(child)
        return found

    def pid_of(self, name):
        direct = children_of(self.process.pid)
        return next(
            pid for pid, known in self.processes().items() if known == name and pid in direct
        )

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


def children_of(pid):
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def eventually(claim, timeout=10):
    ends_at = time.monotonic() + timeout
    while not claim():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.02)
    return True


def is_running(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def start(tmp_path):
    consoles = []

    def start(*arguments, data_dir=tmp_path, port=None):
        consoles.append(Console(data_dir, *arguments, port=port))
        return consoles[-1]

    yield start
    for console in consoles:
        console.close()


@pytest.fixture
def console(start):
    console = start()
    console.wait_for_line("ready in")
    return console


def test_it_says_where_the_console_is_and_how_long_it_took(start):
    console = start()

    line = console.wait_for_line("ready in")

    assert line.startswith(f"Console: {console.url}  (ready in ")
    assert console.wait_for_line("Sign in at /welcome")


def test_the_web_worker_and_beat_run_under_one_parent(console):
    names = {
        Path(f"/proc/{pid}/comm").read_text().strip() for pid in children_of(console.process.pid)
    }

    assert {"aiops-web", "aiops-worker", "aiops-execution", "aiops-beat"} <= names


def test_a_killed_web_process_is_replaced_and_no_connection_is_refused(console):
    web = console.pid_of("aiops-web")

    os.kill(web, signal.SIGKILL)

    answer = httpx.get(f"{console.url}/readyz", timeout=10)
    assert answer.status_code == 200
    assert int(answer.text) != web


def test_a_reader_that_hangs_up_does_not_end_the_web_process(console):
    web = console.pid_of("aiops-web")

    os.kill(web, signal.SIGPIPE)

    assert httpx.get(f"{console.url}/readyz").text == str(web)


def test_a_killed_worker_takes_its_pool_along_and_is_replaced(console):
    worker = console.pid_of("aiops-worker")
    assert eventually(lambda: len(children_of(worker)) == 2)
    pool = children_of(worker)

    os.kill(worker, signal.SIGKILL)

    assert eventually(lambda: not any(map(is_running, pool)))
    assert eventually(lambda: "aiops-worker" in console.processes().values())


def test_a_ring_reaches_the_worker(console):
    httpx.get(f"{console.url}/ring/stamped")

    assert eventually(lambda: (console.data_dir / "stamped").exists())


def test_blocked_executions_do_not_keep_the_pipeline_waiting(console):
    httpx.get(f"{console.url}/block")
    httpx.get(f"{console.url}/ring/stamped")

    assert eventually(lambda: (console.data_dir / "stamped").exists(), timeout=3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_every_process_within_ten_seconds(console, number):
    family = console.processes()

    console.process.send_signal(number)

    assert console.process.wait(timeout=10) == 0
    assert not any(map(is_running, family))


def test_a_stop_does_not_wait_for_a_task_that_goes_on_and_on(console):
    httpx.get(f"{console.url}/block")
    spool = console.data_dir / "broker" / "execution"
    assert eventually(lambda: spool.exists() and len(list(spool.iterdir())) <= 1)
    family = console.processes()

    console.process.send_signal(signal.SIGINT)

    assert console.process.wait(timeout=10) == 0
    assert not any(map(is_running, family))


def test_killing_the_parent_leaves_no_process(console):
    family = console.processes()

    console.process.kill()

    assert eventually(lambda: not any(map(is_running, family)), timeout=5)


def test_a_second_console_on_the_same_data_is_refused(console, start):
    second = start()

    assert second.process.wait(timeout=20) == 1
    second.wait_for_line(f"is already running (process {console.process.pid})")


def test_a_taken_port_is_explained(console, start, tmp_path):
    second = start(data_dir=tmp_path / "other", port=console.port)

    assert second.process.wait(timeout=20) == 1
    second.wait_for_line(f"Cannot listen on 127.0.0.1:{console.port}: Address already in use")


def test_one_role_can_run_alone(start):
    console = start("--only", "web")
    console.wait_for_line("ready in")

    assert eventually(lambda: list(console.processes().values()) == ["aiops-web"])
