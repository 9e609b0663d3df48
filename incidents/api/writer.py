"""Group commit: deliveries that arrive together are committed together, each thanked after it.

One thread writes, so on SQLite nobody waits for a lock held by a neighbour in the same process,
and the price of making a commit durable is shared by all that wait for it.
"""

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection

from incidents import inbox, tasks
from incidents.inbox import Receipt
from incidents.models import Message

BATCH = 200
BATCH_BYTES = 4 * 2**20
PATIENCE_SECONDS = 1.5
SECONDS_BETWEEN_TRIES = 0.002
Waiting = tuple[Message, asyncio.Future[Receipt]]


class NotKept(Exception):
    """The delivery could not be committed in time; its sender should send it again."""


class Writer:
    """One per event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._waiting: list[Waiting] = []
        self._flushing: asyncio.Task[None] | None = None

    async def keep(self, message: Message) -> Receipt:
        """Returns once the message is committed. Raises `NotKept`."""
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, receipt))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        try:
            return await asyncio.wait_for(receipt, PATIENCE_SECONDS)
        except (TimeoutError, Error) as error:
            raise NotKept from error

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next_batch()
            messages = [message for message, receipt in batch if not receipt.done()]
            outcomes = await loop.run_in_executor(self._thread, commit, messages)
            _settle(batch, dict(zip(map(id, messages), outcomes, strict=True)))

    def _next_batch(self) -> list[Waiting]:
        """At least one, however large it is."""
        sizes = accumulate(len(message.body) for message, _ in self._waiting[:BATCH])
        count = max(1, sum(size <= BATCH_BYTES for size in sizes))
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch


def commit(messages: list[Message]) -> list[Receipt | Error]:
    """Commits all, or when one of them is refused, each by itself. Rings the worker afterwards."""
    try:
        receipts: list[Receipt | Error] = list(_keep(messages))
    except (OperationalError, InterfaceError) as error:
        connection.close()
        return [error] * len(messages)
    except DatabaseError as error:
        if len(messages) == 1:
            return [error]
        return [outcome for message in messages for outcome in commit([message])]
    tasks.drain_inbox.delay_on_commit()
    return receipts


def _keep(messages: list[Message]) -> list[Receipt]:
    """SQLite's own waiting sleeps for up to 100 ms and misses the worker's short pauses."""
    if connection.vendor != "sqlite":
        return inbox.keep(messages)
    _wait_ourselves()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return inbox.keep(messages)
        except OperationalError as error:
            if not _is_busy(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)


def _wait_ourselves() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")


def _is_busy(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _settle(batch: list[Waiting], outcomes: dict[int, Receipt | Error]) -> None:
    for message, receipt in batch:
        outcome = outcomes.get(id(message))
        if receipt.done() or outcome is None:
            continue
        if isinstance(outcome, Error):
            receipt.set_exception(outcome)
        else:
            receipt.set_result(outcome)
