"""Whether a source is alive: when it last spoke, how often, and what could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.connecting import TELEMETRY
from incidents.models import Integration, Message
from telemetry.arrivals import arrived

BARS, BAR = 12, timedelta(minutes=5)
STEP, WIDTH, HEIGHT, LEAST = 5, 4, 18.0, 1.5
MOST_LOOKED_AT = 2_000
QUIET_AFTER = timedelta(hours=1)
TELEMETRY_QUIET_AFTER = timedelta(minutes=2)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """`state` is receiving, failing (nothing could be made of the newest), silent, waiting (for the
    first) or paused. Counts stop at 2,000."""

    integration: Integration
    state: str
    last_at: datetime | None
    in_hour: int
    unreadable: int
    bars: list[Bar]

    @property
    def is_of_telemetry(self) -> bool:
        return self.integration.provider in TELEMETRY

    @property
    def is_built_in(self) -> bool:
        """Nobody outside has its token: it is the console's own."""
        return not self.integration.token_prefix


def pulse_of(integration: Integration, at: datetime) -> Pulse:
    """From its newest messages only, so that a busy source costs no more than a quiet one."""
    columns = ("received_at", "state", "rejected_count")
    rows = integration.messages.order_by("-pk").values_list(*columns)[:MOST_LOOKED_AT]
    times = [received for received, _, _ in rows]
    last_at = _last_at(integration, times)
    unreadable = sum(
        1
        for received, state, rejected in rows
        if received > at - DAY and (state == Message.State.DEAD or rejected)
    )
    counts = _counts(times, at)
    is_failing = bool(rows) and rows[0][1] == Message.State.DEAD
    return Pulse(
        integration,
        _state(integration, last_at, at, is_failing=is_failing),
        last_at,
        sum(counts),
        unreadable,
        bars(counts),
    )


def bars(counts: Sequence[int]) -> list[Bar]:
    most = max(counts, default=0) or 1
    heights = [round(max(LEAST, HEIGHT * count / most), 1) for count in counts]
    return [Bar(index * STEP, HEIGHT - height, height) for index, height in enumerate(heights)]


def _state(
    integration: Integration, last_at: datetime | None, at: datetime, *, is_failing: bool
) -> str:
    if not integration.is_enabled:
        return "paused"
    if last_at is None:
        return "waiting"
    if is_failing:
        return "failing"
    limit = TELEMETRY_QUIET_AFTER if integration.provider in TELEMETRY else QUIET_AFTER
    return "receiving" if at - last_at < limit else "silent"


def _counts(times: Sequence[datetime], at: datetime) -> list[int]:
    """Messages in each stretch of the last hour, the oldest first."""
    counts = [0] * BARS
    for received in times:
        index = int((at - received) / BAR)
        if 0 <= index < BARS:
            counts[BARS - 1 - index] += 1
    return counts


def _last_at(integration: Integration, times: Sequence[datetime]) -> datetime | None:
    if integration.provider in TELEMETRY:
        return arrived(integration.provider).last_at
    return max(times, default=None)
