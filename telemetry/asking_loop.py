"""One event loop a process, in a thread of its own: all questions to sources run on it, so that
what they share needs no lock and who waits for many answers waits once."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")
_starting = threading.Lock()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Waits for it, from a thread that runs no loop. Raises what it raises."""
    with _starting:
        loop = _loop(os.getpid())
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


@lru_cache(maxsize=1)
def _loop(process: int) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="asking", daemon=True).start()
    return loop
