"""A console of its own for the measurement, in a scratch folder, on a port the system chooses."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).parent.parent
PASSWORD = "a password for a benchmark"  # noqa: S105 (of a scratch console)
STARTS_WITHIN_SECONDS = 120


class Console:
    """`seconds_to_ready` counts from the start of the process to its first ready answer."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "AIOPS_DATA_DIR": str(data_dir),
            "AIOPS_PORT": str(self.port),
            "ESTATE": "none",
            "PASSWORD": PASSWORD,
        }
        self.seconds_to_ready = 0.0

    def __enter__(self) -> Self:
        started_at = time.monotonic()
        command = [sys.executable, "manage.py", "up"]
        self.process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=[lines], daemon=True).start()
        while "ready in" not in lines.get(timeout=STARTS_WITHIN_SECONDS):
            pass
        self.seconds_to_ready = time.monotonic() - started_at
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=15)
        finally:
            self.process.kill()

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        ran = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        )
        return ran.stdout

    def token_of(self, provider: str, name: str) -> str:
        """Of a new integration."""
        made = self.manage("create_integration", provider, "--name", name, "--json")
        return str(json.loads(made)["token"])

    def api_token(self, name: str) -> str:
        made = self.manage("create_token", "--user", "bench", "--name", name, "--json")
        return str(json.loads(made)["token"])

    def make_person(self) -> None:
        self.manage("create_admin", "--username", "bench", "--password-env", "PASSWORD")

    def sign_in(self) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=30)
        client.get("/login/")
        fields = {"username": "bench", "password": PASSWORD}
        token = client.cookies["csrftoken"]
        client.post("/login/", data=fields | {"csrfmiddlewaretoken": token})
        return client

    def _read(self, lines: "queue.Queue[str]") -> None:
        for line in self.process.stdout or ():
            lines.put(line)
