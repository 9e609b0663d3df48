"""Changes as they are told: the same one told again is one row, and running becomes its end."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from telemetry.change_event import ChangeEvent
from telemetry.chart_loading import as_ms
from telemetry.chart_series import Event
from telemetry.known_services import services_named
from telemetry.models import Change, Service
from telemetry.service_names import slug_of

MOST_DRAWN = 50
FORGOTTEN_A_TURN = 5_000
EARLIEST = timedelta(days=3660)
WORDS = {"title": 300, "kind": 10, "version": 200, "commit": 64, "author": 200}
WORDS |= {"environment": 100, "url": 1000}
UPDATED = [*WORDS, "status", "service", "began_at", "ended_at"]


@dataclass(frozen=True, slots=True)
class Told:
    """One event as received. `sender` tells senders apart whose keys may be the same."""

    event: ChangeEvent
    sender: str
    told_by: str
    received_at: datetime

    @property
    def key(self) -> str:
        event = self.event
        said = [event.service, event.title, event.version, str(event.began_at or self.received_at)]
        identity = [self.sender, event.key] if event.key else [self.sender, "", *said]
        return hashlib.sha256(orjson.dumps(identity)).hexdigest()


@transaction.atomic
def note(told: Sequence[Told]) -> list[Change]:
    """Commits all of them, in the order they were told; one row a key, as it is afterwards."""
    if not told:
        return []
    services = services_named(each.event.service for each in told)
    known = _locked({each.key for each in told})
    for each in told:
        change = known.setdefault(each.key, _blank(each))
        _take(change, each, services.get(slug_of(each.event.service)))
    changes = [known[key] for key in sorted(known)]
    Change.objects.bulk_create(
        changes, update_conflicts=True, unique_fields=["key"], update_fields=UPDATED
    )
    return list(Change.objects.filter(key__in=list(known)).select_related("service"))


def forget_old(now: datetime) -> None:
    """As long as there are rolled-up metrics to draw them on; some thousand a turn."""
    before = now - timedelta(days=settings.KEEP_ROLLUPS_DAYS)
    old = Change.objects.filter(began_at__lt=before).order_by("pk").values_list("pk", flat=True)
    Change.objects.filter(pk__in=list(old[:FORGOTTEN_A_TURN])).delete()


def between(service_ids: Iterable[int], start: datetime, end: datetime) -> QuerySet[Change]:
    """Those of the services that began in the stretch, newest first."""
    stretch = Change.objects.filter(began_at__gte=start, began_at__lte=end)
    return stretch.filter(service__in=list(service_ids)).select_related("service")


def events_of(service: Service, start: datetime, end: datetime) -> list[Event]:
    """As a chart marks them, oldest first; of very many the newest."""
    found = between([service.pk], start, end)[:MOST_DRAWN]
    return [_event(change) for change in reversed(found)]


def label_of(change: Change) -> str:
    """For example "deploy v2.31", "failed deploy v2.31" or, without a version, its title."""
    what = str(change.get_kind_display()).lower()
    outcome = "failed " if change.status == Change.Status.FAILED else ""
    if change.version:
        return f"{outcome}{what if change.kind != Change.Kind.OTHER else 'change'} {change.version}"
    return f"{outcome}{what}: {change.title}" if change.kind != Change.Kind.OTHER else change.title


def place_of(change: Change) -> str:
    """Where the console tells more about it; empty when it is of no service."""
    slug = change.service.slug if change.service else ""
    return f"/services/{slug}/changes/#change-{change.pk}" if slug else ""


def _event(change: Change) -> Event:
    return Event(as_ms(change.began_at), change.kind, label_of(change), place_of(change))


def _locked(keys: set[str]) -> dict[str, Change]:
    rows = Change.objects.select_for_update(of=("self",)).filter(key__in=keys).order_by("key")
    return {change.key: change for change in rows}


def _blank(told: Told) -> Change:
    return Change(
        key=told.key,
        told_by=told.told_by[:100],
        status=Change.Status.RUNNING,
        began_at=_plausible(told.event.began_at, told.received_at),
    )


def _take(change: Change, told: Told, service: Service | None) -> None:
    """What is said later counts, but running says nothing of what has ended."""
    event, is_known = told.event, bool(change.title)
    for name, longest in WORDS.items():
        if said := getattr(event, name):
            setattr(change, name, said[:longest])
    change.service = service or change.service
    if event.began_at is not None:
        began_at = _plausible(event.began_at, told.received_at)
        change.began_at = min(change.began_at, began_at) if is_known else began_at
    if event.status != "running":
        _end(change, told, had_begun=is_known and change.status == Change.Status.RUNNING)


def _end(change: Change, told: Told, *, had_begun: bool) -> None:
    said = told.event.ended_at or (told.received_at if had_begun else None)
    change.status = Change.Status(told.event.status)
    if said is not None:
        change.ended_at = max(change.began_at, _plausible(said, told.received_at))


def _plausible(said: datetime | None, received_at: datetime) -> datetime:
    """No change is told of before it happens, nor after ten years."""
    if said is None or said > received_at or said < received_at - EARLIEST:
        return received_at
    return said
