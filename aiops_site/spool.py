"""The embedded broker: a kombu transport that keeps each waiting message in a file of a folder.

A message's name comes from what it asks for, so a task that is already waiting with the same
arguments is not queued twice and the folder stays small without a worker. Files appear and are
taken by atomic link and rename: nobody reads half a message. (kombu's own filesystem transport
shows a file before it is written, and two processes that start together can read its half-made
exchange table.) A message that was taken is gone with the process that took it.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual

SUFFIX = ".message"


class Channel(virtual.Channel):
    """Direct exchanges only: the routing key is the queue's name."""

    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__(connection, **options)  # type: ignore[no-untyped-call]
        self._folders: dict[str, Path] = {}

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        return [routing_key]

    def _has_queue(self, queue: str, **options: Any) -> bool:
        return True

    def _put(self, queue: str, message: dict[str, Any], **options: Any) -> None:
        folder = self._folder(queue)
        descriptor, draft = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(message, out)
        with contextlib.suppress(FileExistsError):  # the same is waiting: its worker sees our rows
            os.link(draft, folder / (_name(message) + SUFFIX))
        os.unlink(draft)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        for file in _oldest_first(self._folder(queue)):
            taken = f"{file}.{os.getpid()}"
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                os.rename(file, taken)
                return _read_and_remove(taken)
        raise Empty

    def _size(self, queue: str) -> int:
        return len(_oldest_first(self._folder(queue)))

    def _purge(self, queue: str) -> int:
        waiting = _oldest_first(self._folder(queue))
        for file in waiting:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file)
        return len(waiting)

    def _folder(self, queue: str) -> Path:
        if queue not in self._folders:  # made once: a worker asks ten times a second
            folder = Path(self.connection.client.transport_options["folder"]) / queue
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folders[queue] = folder
        return self._folders[queue]


class Transport(virtual.Transport):
    Channel = Channel
    driver_type = driver_name = "spool"
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct"]))

    def driver_version(self) -> str:
        return "1"


def register() -> None:
    """Let Celery find this transport at spool:// addresses."""
    TRANSPORT_ALIASES["spool"] = f"{__name__}:Transport"


def _name(message: dict[str, Any]) -> str:
    headers = message["headers"]
    wish = [headers.get("task"), headers.get("eta"), message["body"]]
    return hashlib.sha256(json.dumps(wish).encode()).hexdigest()


def _oldest_first(folder: Path) -> list[str]:
    waiting = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    waiting.append((entry.stat().st_mtime_ns, entry.path))
    return [path for _, path in sorted(waiting)]


def _read_and_remove(file: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(Path(file).read_bytes())
    os.unlink(file)
    return message
