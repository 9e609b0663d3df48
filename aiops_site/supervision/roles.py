"""What a child process of `up` does: serve the web, work on one queue, ring on time."""

import functools
import gc
import importlib
import signal
import socket
import warnings
from collections.abc import Callable

import uvicorn
from celery.beat import PersistentScheduler
from celery.platforms import SecurityWarning
from channels.routing import get_default_application
from django.conf import settings
from django.db import connections

from aiops_site import doorbell, env
from aiops_site.celery import EXECUTION_QUEUE, PIPELINE_QUEUE, app
from aiops_site.pool import MortalPool

CONCURRENCY = {PIPELINE_QUEUE: 2, EXECUTION_QUEUE: 2}
LARGEST_SOCKET_MESSAGE = 64 * 1024
WEB_STOPS_WITHIN_SECONDS = 5
SQLITE_STAYS_OPEN_SECONDS = 600
# What Celery and uvicorn import only once they start; several children need each.
LATE_MODULES = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvloop",
)


def load_everything(*, is_web: bool) -> None:
    """Import all code once, before the children are forked: they share its memory and its time."""
    if is_web:
        get_default_application()
    app.loader.import_default_modules()
    app.finalize()
    for name in LATE_MODULES:
        importlib.import_module(name)
    let_go_of_the_database()
    gc.collect()
    gc.freeze()


def let_go_of_the_database() -> None:
    """Close connections: a forked child must not share them. The parent never has a pool."""
    for connection in connections.all(initialized_only=True):
        connection.close()


def take_database_role(role: env.Role) -> None:
    """Give this process's next connections the time limits of its role.

    A worker keeps its SQLite file open: to open it costs more than most of its tasks.
    """
    database = connections.settings["default"]
    if database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"].update(env.postgres_options(role))
    elif role != "web":
        database["CONN_MAX_AGE"] = SQLITE_STAYS_OPEN_SECONDS


def serve_web(listener: socket.socket) -> None:
    take_database_role("web")
    signal.signal(signal.SIGTERM, _carry_on)  # uvicorn raises it again when it has stopped
    config = uvicorn.Config(
        get_default_application(),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=LARGEST_SOCKET_MESSAGE,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.TRUSTED_PROXIES,
        timeout_graceful_shutdown=WEB_STOPS_WITHIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
    doorbell.flush()


def work_on(queue: str) -> None:
    take_database_role("worker")
    warnings.simplefilter("ignore", SecurityWarning)  # of root with pickle, which is not accepted
    worker = app.Worker(
        hostname=f"{queue}@{socket.gethostname()}",
        queues=[queue],
        pool=MortalPool,
        concurrency=CONCURRENCY[queue],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()


class CalmScheduler(PersistentScheduler):
    """Celery's own looks without a pause through the last 10 ms before a task is due, which costs
    more than to ring it."""

    def adjust(self, n: float, drift: float = 0.0) -> float:
        return n


def ring_on_time() -> None:
    take_database_role("beat")
    file = settings.CELERY_BEAT_SCHEDULE_FILENAME
    app.Beat(schedule=file, scheduler_cls=CalmScheduler, quiet=True).run()


def of_worker() -> dict[str, Callable[[], None]]:
    return {
        "worker": functools.partial(work_on, PIPELINE_QUEUE),
        "execution": functools.partial(work_on, EXECUTION_QUEUE),
    }


def _carry_on(*_: object) -> None:
    """Let the code after the server's shutdown run."""
