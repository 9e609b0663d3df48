"""A server on this machine that gives recorded answers, and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ANSWERS = Path(__file__).parent / "answers"


@dataclass
class Asked:
    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """`declared` bytes are announced when more are to come than do; `pauses` seconds at first."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    pauses: float = 0.0


@dataclass
class Recorded:
    """Answers by path; several for one path are given in turn, and the last for ever."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def give(self, path: str, *replies: Reply) -> None:
        self.replies[path] = list(replies)

    def give_recorded(self, path: str, name: str) -> None:
        """Of `answers/<kind>/<name>`."""
        self.give(path, Reply((ANSWERS / name).read_bytes()))

    def reply_to(self, path: str) -> Reply:
        left = self.replies.get(path) or [Reply(b"not here", 404, {"content-type": "text/plain"})]
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving() -> Iterator[Recorded]:
    recorded = Recorded()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(recorded))
    server.daemon_threads = True
    recorded.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield recorded
    server.shutdown()
    thread.join()
    server.server_close()


def _handler(recorded: Recorded) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the tests look at what was asked."""

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            params = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, params, headers, self.rfile.read(length))
            recorded.asked.append(asked)
            self._send(recorded.reply_to(parts.path))

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.pauses)
            self.send_response(reply.status)
            length = len(reply.body) if reply.declared is None else reply.declared
            headers = {"content-type": "application/json", "content-length": str(length)}
            for name, value in {**headers, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(reply.body)
            except OSError:
                return  # whoever asked has heard enough
            self.close_connection = True

    return Handler
