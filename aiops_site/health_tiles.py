"""Whether the console itself is well: a tile a part, each looking for itself and failing alone."""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.utils import timezone
from redis.exceptions import RedisError

from aiops_site import doorbell, heartbeats
from aiops_site.tile import DEGRADED, DOWN, OK, Tile, judged, took
from aiops_site.tile_facts import (
    database_size,
    percentile,
    seconds_to_alert,
    telemetry_rates,
    telemetry_refusals,
    telemetry_size,
    version,
)
from automation.models import Execution
from incidents.models import AnalysisStep, Message
from telemetry import disk
from telemetry.store.database import Unavailable

SLOW_BEAT, NO_BEAT = 15.0, 25.0
LAYER_SECONDS = 1.0
LEAST_FREE = 1024**3
GRACE = timedelta(seconds=30)
FAILURES = (Error, OSError, RedisError, TimeoutError, Unavailable)
STARTED = time.monotonic()

logger = logging.getLogger(__name__)


def tiles() -> list[Tile]:
    return [_alone(title, look) for title, look in TILES.items()]


def _alone(title: str, look: Callable[[], Tile]) -> Tile:
    """What cannot be looked at is said to be down, with the kind of error, beside the others."""
    try:
        return look()
    except FAILURES as error:
        logger.warning("The status of %s could not be read: %s", title, error)
        advice = "Its error is in the console's log."
        return Tile(title, DOWN, "not readable", type(error).__name__, advice)


def _web() -> Tile:
    up = time.monotonic() - STARTED
    value = f"up {took(up)}"
    return Tile("Web", OK, value, f"process {os.getpid()} answers you", "")


def _scheduler() -> Tile:
    seen = heartbeats.last_seen().get(heartbeats.SCHEDULER)
    advice = (
        "“manage.py up” restarts beat by itself. Nothing is lost. If it stays: a database that "
        "takes no writes looks the same; the log then says “database is locked”."
    )
    return _beating("Scheduler", seen, "rings every 10 s; down after 25 s without", advice)


def _worker() -> Tile:
    return _worker_of("pipeline", "Worker", "Alerts are accepted and kept, but not read meanwhile.")


def _executor() -> Tile:
    return _worker_of("execution", "Executions worker", "Approved plans wait and start later.")


def _worker_of(queue: str, title: str, meaning: str) -> Tile:
    seen = heartbeats.last_seen()
    tile = _beating(
        title,
        seen.get(heartbeats.worker_of(queue)),
        "answers the scheduler every 10 s; down after 25 s without",
        f"{meaning} “manage.py up” restarts it by itself; else see its log.",
    )
    scheduler = _age(seen.get(heartbeats.SCHEDULER))
    if tile.state == DOWN and (scheduler is None or scheduler > NO_BEAT):
        return Tile(title, DEGRADED, tile.value, "the scheduler is silent, so nobody asks it", "")
    return tile


def _beating(title: str, seen: datetime | None, detail: str, advice: str) -> Tile:
    age = _age(seen)
    if age is None:
        return Tile(title, DOWN, "never seen", detail, advice)
    state = judged(age, degraded=SLOW_BEAT, down=NO_BEAT)
    return Tile(title, state, f"seen {took(age)} ago", detail, advice)


def _age(seen: datetime | None) -> float | None:
    return None if seen is None else (timezone.now() - seen).total_seconds()


def _database() -> Tile:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
        seconds = time.perf_counter() - started
        size = database_size(cursor)
    state = judged(seconds, degraded=0.1, down=1.0)
    detail = f"{connection.display_name}, answers in {seconds * 1000:.2f} ms; slow over 100 ms"
    return Tile("Database", state, size, detail, "Look for a full disk or a long transaction.")


def _inbox() -> Tile:
    waiting = Message.objects.filter(state=Message.State.PENDING)
    facts = waiting.aggregate(count=Count("pk"), oldest=Min("received_at"))
    age = _age(facts["oldest"]) or 0.0
    state = judged(age, degraded=15, down=60)
    detail = f"oldest {took(age)}; degraded over 15 s, down over 60 s"
    advice = "Kept deliveries wait for the worker; see its tile."
    return Tile("Inbox", state, f"{facts['count']} waiting", detail, advice)


def _dead_letters() -> Tile:
    recent = Message.objects.order_by("-pk").values_list("state", "received_at")[:2000]
    since = timezone.now() - timedelta(days=1)
    count = sum(1 for state, at in recent if state == Message.State.DEAD and at > since)
    advice = "Open the source, read the reason, mend the mapping and retry."
    state = DEGRADED if count else OK
    detail = "deliveries of 24 h nothing could be made of"
    return Tile("Dead letters", state, str(count), detail, advice, url_name="sources")


def _pipeline() -> Tile:
    steps = AnalysisStep.objects.filter(
        state__in=[AnalysisStep.State.PENDING, AnalysisStep.State.RUNNING],
        lease_until__lt=timezone.now() - GRACE,
    )
    count = steps.count()
    advice = "Incidents open all the same; their analysis comes late. See the worker's tile."
    state = judged(count, degraded=1, down=50)
    return Tile("Analysis", state, f"{count} overdue", "steps later than 30 s", advice)


def _executions() -> Tile:
    late = Execution.objects.filter(
        state__in=[Execution.State.PENDING, Execution.State.RUNNING],
        created_at__lt=timezone.now() - GRACE,
    ).exclude(lease_until__gte=timezone.now())
    count = late.count()
    advice = "No worker holds them. See the tile of the executions worker."
    state = judged(count, degraded=1, down=5)
    return Tile("Executions", state, f"{count} overdue", "approved, but held by no worker", advice)


def _lateness() -> Tile:
    seconds = seconds_to_alert()
    if not seconds:
        return Tile("Accepted to alert", OK, "no delivery", "nothing received yet", "")
    p50, p95 = percentile(seconds, 0.5), percentile(seconds, 0.95)
    state = judged(p95, degraded=5, down=30)
    detail = f"median {p50:.2f} s, of the last {len(seconds)} deliveries; degraded over 5 s"
    return Tile("Accepted to alert", state, f"p95 {p95:.2f} s", detail, "See inbox and worker.")


def _live() -> Tile:
    seconds = async_to_sync(_through_the_layer)()
    pokes = doorbell.counts()["pokes"]
    state = DEGRADED if pokes.dropped else OK
    kind = "embedded" if settings.CHANNEL_URL == "embedded" else "redis"
    detail = f"{kind} layer, there and back; {pokes.dropped} pokes dropped by this process"
    advice = "Pages fall back to asking by themselves; reload one that looks old."
    return Tile("Live updates", state, f"{seconds * 1000:.1f} ms", detail, advice)


async def _through_the_layer() -> float:
    """A message to ourselves and back. Raises TimeoutError."""
    layer = get_channel_layer()
    started = time.perf_counter()
    async with asyncio.timeout(LAYER_SECONDS):
        channel = await layer.new_channel()
        await layer.send(channel, {"type": "status.check"})
        await layer.receive(channel)
    return time.perf_counter() - started


def _disk() -> Tile:
    usage = shutil.disk_usage(settings.DATA_DIR)
    share = usage.free / usage.total
    state = DOWN if usage.free < LEAST_FREE / 4 else DEGRADED if usage.free < LEAST_FREE else OK
    detail = f"{share:.0%} of {usage.total / 1024**3:.0f} GiB, where the data folder is"
    advice = "Below 1 GiB alerts may be refused: make room, or move AIOPS_DATA_DIR."
    return Tile("Disk free", state, f"{usage.free / 1024**3:.1f} GiB", detail, advice)


def _telemetry() -> Tile:
    refusals = telemetry_refusals() or "nothing"
    detail = f"by this process in the last minute; refused since its start: {refusals}"
    return Tile("Telemetry intake", OK, telemetry_rates(), detail, "")


def _telemetry_store() -> Tile:
    state = DOWN if disk.is_full() else OK
    detail = f"metrics, logs and traces; nothing is taken while the disk is over {disk.FULLEST:.0%}"
    advice = "Senders keep their telemetry and come back: make room, or keep it for fewer days."
    return Tile("Telemetry store", state, telemetry_size(), detail, advice)


def _version() -> Tile:
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    state = DOWN if pending else OK
    detail = f"{pending} migrations are pending" if pending else "every migration is applied"
    return Tile("Version", state, version(), detail, "Run manage.py migrate.")


TILES: dict[str, Callable[[], Tile]] = {
    "Web": _web,
    "Worker": _worker,
    "Executions worker": _executor,
    "Scheduler": _scheduler,
    "Database": _database,
    "Inbox": _inbox,
    "Dead letters": _dead_letters,
    "Accepted to alert": _lateness,
    "Analysis": _pipeline,
    "Executions": _executions,
    "Live updates": _live,
    "Disk free": _disk,
    "Telemetry intake": _telemetry,
    "Telemetry store": _telemetry_store,
    "Version": _version,
}
