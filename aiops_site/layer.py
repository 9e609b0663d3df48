"""A channel layer for the processes of one machine that needs no server.

Each process with group members listens on a unix datagram socket in a shared folder; a message to
a group goes to every such socket, and each process hands it to its own members. Messages are
hints that may get lost: what they announce is read from the database.
"""

import asyncio
import contextlib
import itertools
import os
import socket
import stat
from pathlib import Path
from typing import Any

import orjson
from channels.layers import InMemoryChannelLayer

LARGEST_MESSAGE = 32 * 1024
MESSAGES_A_TURN = 200
SECONDS_FOR_A_BUSY_RECEIVER = 0.25
SECONDS_BETWEEN_TRIES = 0.005
LONGEST_SOCKET_PATH = 100  # the kernel allows 107 bytes

_numbers = itertools.count()


class LocalChannelLayer(InMemoryChannelLayer):
    """Groups reach every process that uses the same folder; channels are this process's own."""

    def __init__(self, folder: str, **config: Any) -> None:
        super().__init__(**config)
        self.folder = Path(folder)
        self._listener: _Listener | None = None
        self._handing_over: set[asyncio.Task[None]] = set()

    async def group_add(self, group: str, channel: str) -> None:
        await super().group_add(group, channel)
        if self._listener is None or not self._listener.is_of_this_process_and_loop():
            self._stop_listening()
            self._listener = _Listener(self.folder, on_datagram=self._receive_datagram)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Raises ValueError for more than 32 kB, TypeError for what JSON cannot say."""
        self.require_valid_group_name(group)
        datagram = orjson.dumps([group, message])
        if len(datagram) > LARGEST_MESSAGE:
            raise ValueError(f"{len(datagram)} bytes are too many for a hint to group {group}.")
        await asyncio.gather(*(_send(datagram, receiver) for receiver in _sockets_in(self.folder)))

    async def flush(self) -> None:
        await super().flush()
        self._stop_listening()

    async def close(self) -> None:
        self._stop_listening()

    def _receive_datagram(self, datagram: bytes) -> None:
        group, message = orjson.loads(datagram)
        task = asyncio.get_running_loop().create_task(super().group_send(group, message))
        self._handing_over.add(task)
        task.add_done_callback(self._handing_over.discard)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class _Listener:
    """This process's socket, read by the running event loop."""

    def __init__(self, folder: Path, *, on_datagram: Any) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._on_datagram = on_datagram
        self._pid = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._file = folder / f"live-{self._pid}-{next(_numbers)}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with contextlib.suppress(FileNotFoundError):  # of a dead process that had our pid
            self._file.unlink()
        with _short_path(self._file) as address:
            self._socket.bind(address)
        self._loop.add_reader(self._socket, self._read)

    def is_of_this_process_and_loop(self) -> bool:
        return self._pid == os.getpid() and self._loop is asyncio.get_running_loop()

    def close(self) -> None:
        if self._pid != os.getpid():
            return
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._socket.close()
        self._file.unlink(missing_ok=True)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(MESSAGES_A_TURN):
                self._on_datagram(self._socket.recv(LARGEST_MESSAGE))


async def _send(datagram: bytes, receiver: Path) -> None:
    """Give a busy receiver a moment, then pass it over; tidy up after a dead one."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + SECONDS_FOR_A_BUSY_RECEIVER
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        while loop.time() < ends_at:
            try:
                with _short_path(receiver) as address:
                    sender.sendto(datagram, address)
            except BlockingIOError:
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            except (ConnectionRefusedError, FileNotFoundError):
                receiver.unlink(missing_ok=True)
                return
            else:
                return


def _sockets_in(folder: Path) -> list[Path]:
    with contextlib.suppress(FileNotFoundError):
        return [file for file in folder.glob("live-*.sock") if stat.S_ISSOCK(file.stat().st_mode)]
    return []


@contextlib.contextmanager
def _short_path(file: Path) -> Any:
    """A name for `file` that fits a socket address, however deep its folder is."""
    if len(os.fsencode(file)) <= LONGEST_SOCKET_PATH:
        yield str(file)
        return
    folder = os.open(file.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{file.name}"
    finally:
        os.close(folder)
