"""Messages become alerts: claimed, read, and applied together with the messages' own state."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError, transaction

from incidents import inbox, storm
from incidents.event import AlertEvent
from incidents.fingerprint import fingerprint
from incidents.folding import Delivery, fold
from incidents.models import Message
from incidents.payload import UnreadablePayload, read_json
from incidents.providers import provider_for

CLAIM = 100
EVENTS_A_TRANSACTION = 400
log = structlog.get_logger()


@dataclass
class Reading:
    """What a message says: its deliveries, and the parts that could not be read."""

    message: Message
    deliveries: list[Delivery] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


def drain() -> int:
    """Works until the inbox is empty; returns how many messages it settled."""
    settled = 0
    while claimed := inbox.claim(CLAIM):
        readings = [reading for message in claimed if (reading := read(message))]
        for chunk in _chunks(readings):
            _apply_or_isolate(chunk)
        settled += len(claimed)
    return settled


def read(message: Message) -> Reading | None:
    """Translate the body; a message nothing can be read of is buried with its reason."""
    integration = message.integration
    try:
        provider = provider_for(integration.provider, {"mapping": integration.mapping})
        parsed = provider.parse(read_json(bytes(message.body), message.content_type))
    except UnreadablePayload as error:
        inbox.bury(message, str(error))
        return None
    if not parsed.events and parsed.rejected:
        inbox.bury(message, "\n".join(f"item {r.index}: {r.reason}" for r in parsed.rejected))
        return None
    deliveries = [_deliver(message, event) for event in parsed.events]
    return Reading(message, deliveries, [f"item {r.index}: {r.reason}" for r in parsed.rejected])


@transaction.atomic
def apply(readings: Iterable[Reading]) -> None:
    """Alerts, incidents and the messages' state change together or not at all."""
    readings = list(readings)
    folded = fold([delivery for reading in readings for delivery in reading.deliveries])
    storm.settle(folded)
    for reading in readings:
        inbox.settle(reading.message, events=len(reading.deliveries), rejected=reading.rejected)
    Message.objects.bulk_update(
        [reading.message for reading in readings],
        ["state", "reason", "event_count", "rejected_count", "processed_at", "claimed_until"],
    )


def _apply_or_isolate(readings: list[Reading]) -> None:
    """One message the database refuses must not hold up the others of its batch."""
    try:
        apply(readings)
    except DatabaseError as error:
        if len(readings) == 1:
            log.warning("message_refused", message=readings[0].message.pk, error=str(error))
            return
        for reading in readings:
            _apply_or_isolate([reading])


def _deliver(message: Message, event: AlertEvent) -> Delivery:
    identity = fingerprint(message.integration_id, event.key, event.labels)
    return Delivery(identity, event, message.received_at, message.integration_id)


def _chunks(readings: list[Reading]) -> Iterator[list[Reading]]:
    chunk: list[Reading] = []
    size = 0
    for reading in readings:
        chunk.append(reading)
        size += len(reading.deliveries)
        if size >= EVENTS_A_TRANSACTION:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
