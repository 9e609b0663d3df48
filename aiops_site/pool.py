"""The worker's processes, each of which may be killed at any moment.

Celery's pool shares two pipes among its processes, guarded by semaphores; an idle process waits for
work with one of them taken. A semaphore is not given back by a process that is killed, and the
others then wait for ever, while the worker looks alive. A record lock is: the kernel sees to it.
(Where Celery waits on its broker's sockets, as with AMQP and Redis, each process has its own pipes,
and none of this is used.)
"""

import fcntl
import tempfile

from celery.concurrency import prefork


class KernelLock:
    """Taken by a process, not by a thread, and let go of by its end."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the pool is

    def acquire(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


class _Pool(prefork.TaskPool.BlockingPool):
    def _setup_queues(self) -> None:
        super()._setup_queues()
        self._inqueue._rlock = KernelLock()
        self._outqueue._wlock = KernelLock()


class MortalPool(prefork.TaskPool):
    """What `celery worker --pool` takes: prefork, whose processes may die."""

    BlockingPool = _Pool
