"""Group commit: deliveries that arrive together are committed together, each thanked after it.

One thread writes, so on SQLite nobody waits for a lock held by a neighbour in the same process,
and the price of making a commit durable is shared by all that wait for it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, OperationalError, connection

from incidents import inbox, tasks
from incidents.inbox import Receipt
from incidents.models import Message

BATCH = 200
PATIENCE_SECONDS = 2.0
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
        except (TimeoutError, DatabaseError) as error:
            raise NotKept from error

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            messages = [message for message, receipt in batch if not receipt.done()]
            outcomes = await loop.run_in_executor(self._thread, commit, messages)
            _settle(batch, dict(zip(map(id, messages), outcomes, strict=True)))


def commit(messages: list[Message]) -> list[Receipt | DatabaseError]:
    """Commits all, or when one of them is refused, each by itself. Rings the worker afterwards."""
    try:
        receipts: list[Receipt | DatabaseError] = list(inbox.keep(messages))
    except OperationalError as error:
        connection.close()
        return [error] * len(messages)
    except DatabaseError as error:
        if len(messages) == 1:
            return [error]
        return [outcome for message in messages for outcome in commit([message])]
    tasks.drain_inbox.delay_on_commit()
    return receipts


def _settle(batch: list[Waiting], outcomes: dict[int, Receipt | DatabaseError]) -> None:
    for message, receipt in batch:
        outcome = outcomes.get(id(message))
        if receipt.done() or outcome is None:
            continue
        if isinstance(outcome, DatabaseError):
            receipt.set_exception(outcome)
        else:
            receipt.set_result(outcome)
