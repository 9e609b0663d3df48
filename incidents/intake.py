"""Messages become alerts and changes: claimed, read, and applied together with the messages' own
state."""

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from incidents import inbox, storm
from incidents.alone import alone
from incidents.event import AlertEvent
from incidents.fingerprint import fingerprint
from incidents.folding import Delivery, fold
from incidents.models import Message
from incidents.payload import UnreadablePayload, read_json
from incidents.providers import provider_for
from incidents.signals import message_settled
from telemetry import changes
from telemetry.change_event import ChangeEvent
from telemetry.changes import Told

CLAIM = 100
EVENTS_A_TRANSACTION = 200
TURN_SECONDS = 20.0
LONGEST_PAUSE_SECONDS = 0.025
log = logging.getLogger(__name__)


@dataclass
class Reading:
    """What a message says: its deliveries, its changes, and the parts that could not be read."""

    message: Message
    deliveries: list[Delivery] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    changes: list[Told] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.deliveries) + len(self.changes)


def drain() -> int:
    """Works until the inbox is empty or its turn is over; returns how many messages it took.

    More than none means: ring again. One process a data folder works at a time; a second one
    would only wait for the same rows, and keep its worker from other tasks.
    """
    with contextlib.ExitStack() as stack:
        if not stack.enter_context(alone(settings.DATA_DIR / "run" / "drain.lock")):
            return 0
        return work_through(time.monotonic() + TURN_SECONDS)


def work_through(ends_at: float) -> int:
    """As `drain`, beside whoever else works. `ends_at` is a moment of the monotonic clock."""
    taken = 0
    while time.monotonic() < ends_at and (claimed := inbox.claim(CLAIM)):
        readings = [reading for message in claimed if (reading := read(message))]
        for chunk in _chunks(readings):
            started_at = time.monotonic()
            _apply_or_isolate(chunk)
            _give_way(time.monotonic() - started_at)
        _tell_settled(claimed)
        taken += len(claimed)
    return taken


def read(message: Message) -> Reading | None:
    """Translate the body; a message nothing can be read of is buried with its reason."""
    integration = message.integration
    try:
        provider = provider_for(integration.provider, {"mapping": integration.mapping})
        parsed = provider.parse(read_json(bytes(message.body), message.content_type))
    except UnreadablePayload as error:
        inbox.bury(message, str(error))
        return None
    if parsed.rejected and not (parsed.events or parsed.changes):
        inbox.bury(message, "\n".join(f"item {r.index}: {r.reason}" for r in parsed.rejected))
        return None
    deliveries = [_deliver(message, event) for event in parsed.events]
    rejected = [f"item {r.index}: {r.reason}" for r in parsed.rejected]
    return Reading(message, deliveries, rejected, [_tell(message, each) for each in parsed.changes])


@transaction.atomic
def apply(readings: Iterable[Reading]) -> None:
    """Alerts, changes, incidents and the messages' state change together or not at all."""
    readings = _still_ours(readings)
    changes.note([told for reading in readings for told in reading.changes])
    folded = fold([delivery for reading in readings for delivery in reading.deliveries])
    storm.settle(folded)
    alike: dict[tuple[int, tuple[str, ...]], list[Message]] = defaultdict(list)
    for reading in readings:
        alike[reading.size, tuple(reading.rejected)].append(reading.message)
    for (events, rejected), messages in alike.items():
        inbox.settle(messages, events=events, rejected=rejected)


def _apply_or_isolate(readings: list[Reading]) -> None:
    """One message the database refuses must not hold up the others of its batch."""
    try:
        apply(readings)
    except DatabaseError as error:
        if len(readings) == 1:
            log.warning("Message %s was refused: %s", readings[0].message.pk, error)
            return
        for reading in readings:
            _apply_or_isolate([reading])


def _still_ours(readings: Iterable[Reading]) -> list[Reading]:
    readings = list(readings)
    held = inbox.held([reading.message for reading in readings])
    return [reading for reading in readings if reading.message.pk in held]


def _give_way(worked_seconds: float) -> None:
    """SQLite has one writer and wakes nobody: without a pause others would wait for ever."""
    if connection.vendor == "sqlite":
        time.sleep(min(worked_seconds / 4, LONGEST_PAUSE_SECONDS))


def _tell_settled(messages: list[Message]) -> None:
    for integration in {message.integration_id for message in messages}:
        message_settled.send(sender=Message, integration=integration)


def _deliver(message: Message, event: AlertEvent) -> Delivery:
    identity = fingerprint(message.integration_id, event.key, event.labels)
    return Delivery(identity, event, message.received_at, message.integration_id)


def _tell(message: Message, event: ChangeEvent) -> Told:
    sender = f"integration:{message.integration_id}"
    return Told(event, sender, message.integration.name, message.received_at)


def _chunks(readings: list[Reading]) -> Iterator[list[Reading]]:
    chunk: list[Reading] = []
    size = 0
    for reading in readings:
        chunk.append(reading)
        size += reading.size
        if size >= EVENTS_A_TRANSACTION:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
