"""Tell the workers and the browsers that there is news, without ever making the caller wait.

What happened is a committed row before anybody is told, so a message may get lost: beat rings
again, and pages read on from their last seq. Each process has one daemon thread for the broker and
one for the channel layer, so that a frozen broker does not keep news from open pages.
"""

import asyncio
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from celery import current_app
from channels.layers import get_channel_layer
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

MOST_WAITING = 1_000
SECONDS_BETWEEN_SAME_RINGS = 0.1
SECONDS_BEFORE_TRYING_AGAIN = 1.0
POKE_SECONDS = 2.0
NOT_REACHED = (OSError, OperationalError, RedisError, TimeoutError)

logger = logging.getLogger(__name__)


@dataclass
class Counts:
    sent: int = 0
    coalesced: int = 0
    dropped: int = 0
    last_error_at: float | None = None
    """Unix time."""


@dataclass
class Line:
    """A bounded queue of deliveries, emptied in order by a daemon thread of its own.

    Of identical deliveries only one waits, and after it was sent the next identical one waits
    `pause` seconds. A delivery that meets a dead server stays at the head and is tried again;
    what does not fit meanwhile is dropped.
    """

    name: str
    pause: float = 0.0
    most_waiting: int = MOST_WAITING
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew without thread or waiting deliveries, as a forked child must."""
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, Callable[[], None]] = OrderedDict()
        self._last_sent: dict[Hashable, float] = {}
        self._is_sending = False
        self._is_down = False
        self._thread: threading.Thread | None = None

    def put(self, key: Hashable, deliver: Callable[[], None]) -> None:
        with self._changed:
            if key in self._waiting:
                self.counts.coalesced += 1
                return
            if len(self._waiting) >= self.most_waiting:
                self.counts.dropped += 1
                return
            self._waiting[key] = deliver
            self._changed.notify_all()
            self._ensure_thread()

    def flush(self, timeout: float) -> bool:
        """Wait until everything was sent; False when `timeout` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and not self._is_sending, timeout
            )

    def _ensure_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            key, deliver = self._take()
            is_reached = self._attempt(deliver)
            with self._changed:
                self._is_sending = False
                if not is_reached and key not in self._waiting:
                    self._waiting[key] = deliver
                    self._waiting.move_to_end(key, last=False)
                self._changed.notify_all()
            if not is_reached:
                time.sleep(SECONDS_BEFORE_TRYING_AGAIN)

    def _take(self) -> tuple[Hashable, Callable[[], None]]:
        with self._changed:
            while (key := self._first_due()) is None:
                self._changed.wait(self.pause if self._waiting else None)
            deliver = self._waiting.pop(key)
            self._is_sending = True
            if self.pause:
                self._last_sent[key] = time.monotonic()
            return key, deliver

    def _first_due(self) -> Hashable | None:
        horizon = time.monotonic() - self.pause
        self._last_sent = {key: at for key, at in self._last_sent.items() if at > horizon}
        return next((key for key in self._waiting if key not in self._last_sent), None)

    def _attempt(self, deliver: Callable[[], None]) -> bool:
        try:
            deliver()
        except NOT_REACHED as error:
            self.counts.last_error_at = time.time()
            if not self._is_down:
                logger.warning("The %s does not answer: %s", self.name, error)
            self._is_down = True
            return False
        self._is_down = False
        self.counts.sent += 1
        return True


_RINGS = Line("broker", pause=SECONDS_BETWEEN_SAME_RINGS)
_POKES = Line("channel layer")
_loop = threading.local()


def ring(task_name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> None:
    """Have a worker run a task soon. Raises TypeError for arguments that are not JSON."""
    wish = orjson.dumps([task_name, args, dict(kwargs or {})], option=orjson.OPT_SORT_KEYS)
    _RINGS.put(wish, lambda: _send_task(task_name, args, kwargs))


def poke(group: str, message: Mapping[str, Any]) -> None:
    """Send a small JSON message to all of a Channels group. Raises TypeError when not JSON."""
    wish = orjson.dumps([group, message], option=orjson.OPT_SORT_KEYS)
    _POKES.put(wish, lambda: _send_to_group(group, dict(message)))


def flush(timeout: float = 2.0) -> bool:
    """Wait until all is sent; False when `timeout` seconds were not enough."""
    ends_at = time.monotonic() + timeout
    rings_sent = _RINGS.flush(timeout)
    return _POKES.flush(max(0.0, ends_at - time.monotonic())) and rings_sent


def counts() -> dict[str, Counts]:
    """A copy of this process's counters by kind, for /metrics."""
    return {"rings": replace(_RINGS.counts), "pokes": replace(_POKES.counts)}


def _send_task(task_name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> None:
    current_app.send_task(task_name, list(args), dict(kwargs or {}), retry=False)


def _send_to_group(group: str, message: dict[str, Any]) -> None:
    if not hasattr(_loop, "runner"):  # kept, so that a layer can keep its connections
        _loop.runner = asyncio.Runner()
    sending = get_channel_layer().group_send(group, message)
    _loop.runner.run(asyncio.wait_for(sending, POKE_SECONDS))


def _forget() -> None:
    _RINGS.forget()
    _POKES.forget()


os.register_at_fork(after_in_child=_forget)
