"""Messages that were read are deleted after a while; what somebody may still need stays.

Small batches, each a statement of its own: on SQLite nobody can write meanwhile.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Length

from incidents.models import Alert, Incident, Integration, Message

MOST_ROWS, MOST_BYTES = 1_000, 4_000_000
TURN_SECONDS, PAUSE_SECONDS = 1.0, 0.02
State = Message.State
Row = tuple[int, int, datetime, int]


def forget_old_messages(at: datetime) -> bool:
    """Works for a turn; says whether there is more to do.

    Never one that waits, is dead, is the newest of its source or is cited by an alert.
    """
    before = at - timedelta(days=settings.KEEP_MESSAGES_DAYS)
    ends_at = time.monotonic() + TURN_SECONDS
    newest, cited, end = _newest_of_each_source(), _cited(before), _first_to_keep(before)
    last = 0
    while rows := _batch(last, end):
        if time.monotonic() > ends_at:
            return True
        last = rows[-1][0]
        _delete([pk for pk, *origin, _ in rows if pk not in newest and tuple(origin) not in cited])
        time.sleep(PAUSE_SECONDS)  # SQLite wakes nobody: others would find the lock taken again
    return False


def _delete(ids: Sequence[int]) -> None:
    """One that is to be read again meanwhile is no longer processed, and stays."""
    Message.objects.filter(pk__in=ids, state=State.PROCESSED).delete()


def _batch(after: int, end: int) -> list[Row]:
    """The oldest that were read, up to a size whose deletion holds nobody up."""
    read = Message.objects.filter(pk__gt=after, pk__lt=end, state=State.PROCESSED).order_by("pk")
    columns = ("pk", "integration_id", "received_at", Length("body"))
    rows: list[Row] = []
    total = 0
    for row in read.values_list(*columns)[:MOST_ROWS]:
        total += row[-1]
        if rows and total > MOST_BYTES:
            break
        rows.append(row)
    return rows


def _first_to_keep(before: datetime) -> int:
    """Ids rise with time, so everything below this one is old. Looked for from the oldest up."""
    young = Message.objects.filter(received_at__gte=before).order_by("pk")
    return young.values_list("pk", flat=True).first() or _last_id() + 1


def _last_id() -> int:
    return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _newest_of_each_source() -> set[int]:
    """They say when a source last spoke."""
    of_source = Message.objects.filter(integration=OuterRef("pk")).order_by("-pk")
    newest = Integration.objects.annotate(newest=Subquery(of_source.values("pk")[:1]))
    return set(newest.values_list("newest", flat=True))


def _cited(before: datetime) -> set[tuple[int | None, datetime]]:
    """First and last deliveries of alerts that fire, or whose incident is not over."""
    is_needed = Q(status=Alert.Status.FIRING) | Q(incident__status__in=Incident.ACTIVE)
    alerts = Alert.objects.filter(is_needed, first_received_at__lt=before)
    columns = ("integration_id", "first_received_at", "last_received_at")
    return {
        (integration, received_at)
        for integration, first, last in alerts.values_list(*columns)
        for received_at in (first, last)
    }
