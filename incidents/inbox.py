"""The durable inbox: a delivery is a committed row before its sender is thanked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from incidents.models import Message

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 5
State = Message.State


@dataclass(frozen=True)
class Receipt:
    """The row that holds a delivery. `is_duplicate` when its delivery id had been seen before."""

    message_id: int
    is_duplicate: bool


@transaction.atomic
def keep(messages: Sequence[Message]) -> list[Receipt]:
    """Commits all of them in one transaction; receipts come in the same order."""
    fresh = [message for message in messages if message.delivery_key is None]
    Message.objects.bulk_create(fresh)
    return [
        Receipt(message.pk, is_duplicate=False)
        if message.delivery_key is None
        else _keep_once(message)
        for message in messages
    ]


def claim(limit: int) -> list[Message]:
    """Takes the oldest free messages for a while; what failed too often is set aside."""
    now = timezone.now()
    with transaction.atomic():
        free = Message.objects.claimable(now).order_by("pk")
        ids = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        mine = Message.objects.filter(pk__in=ids)
        mine.filter(attempts__gte=MAX_ATTEMPTS).update(
            state=State.DEAD,
            claimed_until=None,
            reason=f"Given up after {MAX_ATTEMPTS} attempts that ended with the worker.",
        )
        mine.filter(state=State.PENDING).update(
            claimed_until=now + LEASE, attempts=F("attempts") + 1
        )
    claimed = mine.filter(state=State.PENDING).select_related("integration")
    return list(claimed.order_by("pk"))


def settle(message: Message, *, events: int, rejected: Sequence[str]) -> None:
    """In the transaction that did the work: done, with what could not be read of it."""
    message.state = State.PROCESSED
    message.reason = "\n".join(rejected)[:4000]
    message.event_count, message.rejected_count = events, len(rejected)
    message.processed_at, message.claimed_until = timezone.now(), None


def bury(message: Message, reason: str) -> None:
    """Nothing of it can be read: it is kept, listed with the reason, and can be replayed."""
    Message.objects.filter(pk=message.pk).update(
        state=State.DEAD, reason=reason[:4000], claimed_until=None, processed_at=timezone.now()
    )


def replay(message: Message) -> None:
    """Read it again, for example after its mapping was mended."""
    Message.objects.filter(pk=message.pk).update(
        state=State.PENDING, attempts=0, claimed_until=None, reason="", processed_at=None
    )


def _keep_once(message: Message) -> Receipt:
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError:
        first = Message.objects.only("pk").get(
            integration_id=message.integration_id, delivery_key=message.delivery_key
        )
        return Receipt(first.pk, is_duplicate=True)
    return Receipt(message.pk, is_duplicate=False)
