"""The durable inbox: a delivery is a committed row before its sender is thanked.

A worker holds messages by a lease, and `attempts` is its fence: whoever was overtaken while it
was frozen finds another number there and leaves the message alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils import timezone

from incidents.models import Message

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 5
MOST_BYTES_A_CLAIM = 1_000_000
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
    """Takes the oldest free messages for a while; what failed too often is set aside.

    One that took a worker down with it comes back alone, so that it harms no other message.
    """
    now = timezone.now()
    with transaction.atomic():
        _give_up(now)
        ids = _free(now, retried=True, limit=1) or _free(now, retried=False, limit=limit)
        mine = Message.objects.filter(pk__in=ids)
        if ids:
            mine.update(claimed_until=now + LEASE, attempts=F("attempts") + 1)
    return list(mine.select_related("integration").order_by("pk")) if ids else []


def held(messages: Sequence[Message]) -> set[int]:
    """Locks those that this worker still holds, in the transaction that settles them."""
    ids = [message.pk for message in messages]
    rows = Message.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=State.PENDING)
    fences = dict(rows.order_by("pk").values_list("pk", "attempts"))
    return {message.pk for message in messages if fences.get(message.pk) == message.attempts}


def settle(messages: Sequence[Message], *, events: int, rejected: Sequence[str]) -> None:
    """In the transaction that did the work: done, with what could not be read of each."""
    Message.objects.filter(pk__in=[message.pk for message in messages]).update(
        state=State.PROCESSED,
        reason="\n".join(rejected)[:4000],
        event_count=events,
        rejected_count=len(rejected),
        processed_at=timezone.now(),
        claimed_until=None,
    )


def bury(message: Message, reason: str) -> None:
    """Nothing of it can be read: it is kept, listed with the reason, and can be replayed."""
    mine = Message.objects.filter(pk=message.pk, state=State.PENDING, attempts=message.attempts)
    mine.update(
        state=State.DEAD, reason=reason[:4000], claimed_until=None, processed_at=timezone.now()
    )


def replay(message: Message) -> None:
    """Read it again, for example after its mapping was mended."""
    Message.objects.filter(pk=message.pk).update(
        state=State.PENDING, attempts=0, claimed_until=None, reason="", processed_at=None
    )


def _free(now: datetime, *, retried: bool, limit: int) -> list[int]:
    """The oldest messages nobody holds, up to a size that one lease is long enough for."""
    tried = Q(attempts__gt=0) if retried else Q(attempts=0)
    free = Message.objects.claimable(now).filter(tried).order_by("pk")
    sizes = free.select_for_update(skip_locked=True).values_list("pk", Length("body"))[:limit]
    ids: list[int] = []
    total = 0
    for pk, size in sizes:
        if ids and total + size > MOST_BYTES_A_CLAIM:
            break
        ids.append(pk)
        total += size
    return ids


def _give_up(now: datetime) -> None:
    spent = Message.objects.claimable(now).filter(attempts__gte=MAX_ATTEMPTS)
    if spent.exists():
        spent.update(
            state=State.DEAD,
            claimed_until=None,
            processed_at=now,
            reason=f"Given up after {MAX_ATTEMPTS} attempts that ended with the worker.",
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
