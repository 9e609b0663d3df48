"""Telemetry of one kind is written by one thread: what arrives together is committed together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from telemetry import disk
from telemetry.tally import TALLY

MOST_WAITING_BYTES = 64 * 2**20
BATCH_BYTES = 4 * 2**20
PATIENCE_SECONDS = 5.0

Body = TypeVar("Body")


class NotKept(Exception):
    """It could not be committed now; its sender should send it again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many records of a delivery are committed, and how many were refused for what reason."""

    count: int
    refused: Counter[str] = field(default_factory=Counter)


Outcome = Kept | Exception
Commit = Callable[[list[Body]], Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Body]):
    body: Body
    size: int
    outcome: asyncio.Future[Kept]


class GroupCommit(Generic[Body]):
    """`commit` gives an outcome for each body, in their order."""

    def __init__(self, kind: str, commit: Commit[Body]) -> None:
        self._kind = kind
        self._commit = commit
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=kind)
        self._waiting: list[_Waiting[Body]] = []
        self._waiting_bytes = 0
        self._flushing: asyncio.Task[None] | None = None

    async def keep(self, body: Body, size: int) -> Kept:
        """Returns once it is committed. Raises NotKept, or what `commit` has against it.

        What is told to come back while its commit has begun may be kept twice.
        """
        self._demand_room(size)
        outcome: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(body, size, outcome))
        self._waiting_bytes += size
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        try:
            return await asyncio.wait_for(outcome, PATIENCE_SECONDS)
        except TimeoutError as error:
            raise NotKept("The store is too slow now; send it again.") from error

    def close(self) -> None:
        """Waits for what is being written."""
        self._thread.shutdown()

    def _demand_room(self, size: int) -> None:
        """A slow store must not fill the memory, nor its telemetry the disk."""
        if self._waiting_bytes + size > MOST_WAITING_BYTES:
            raise NotKept("Too much is waiting to be written; send it again.")
        if disk.is_full():
            raise NotKept(f"The disk is over {disk.FULLEST:.0%} full; send it again.")

    async def _flush(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                await self._settle([each for each in batch if not each.outcome.done()])
            finally:
                self._waiting_bytes -= sum(each.size for each in batch)

    def _next_batch(self) -> list[_Waiting[Body]]:
        batch: list[_Waiting[Body]] = []
        size = 0
        while self._waiting and (not batch or size + self._waiting[0].size <= BATCH_BYTES):
            batch.append(self._waiting.pop(0))
            size += batch[-1].size
        return batch

    async def _settle(self, batch: list[_Waiting[Body]]) -> None:
        """Whatever goes wrong in the thread, everybody who waits hears of it."""
        loop = asyncio.get_running_loop()
        committing = loop.run_in_executor(self._thread, self._commit, [each.body for each in batch])
        await asyncio.wait([committing])
        error = committing.exception()
        outcomes = [error] * len(batch) if error else committing.result()
        for each, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Kept):
                TALLY.note(self._kind, outcome.count, outcome.refused)
            if each.outcome.done():
                continue
            if isinstance(outcome, Kept):
                each.outcome.set_result(outcome)
            else:
                each.outcome.set_exception(outcome)
