"""Calls that were seen become services and dependencies."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from telemetry import topology_versions
from telemetry.calls import CallEdge, Party
from telemetry.models import Dependency, Service
from telemetry.observed_calls import STRETCH, Observed, look
from telemetry.service_names import title_of

FORGOTTEN_AFTER = timedelta(days=7)
MOST_SERVICES = 5_000
MOST_EDGES = 20_000
MEASURED = ("seen_at", "calls_per_minute", "error_share", "p95_ms", "confidence")


def observe(now: datetime) -> None:
    """May run twice at once and twice for the same minute. Raises `store.database.Unavailable`."""
    record(look(now))


@transaction.atomic
def record(seen: Observed) -> None:
    """What a person said stays as it is; measured calls are noted beside it.

    Beyond `MOST_SERVICES` and `MOST_EDGES` nothing new is taken in: a sender whose names never end
    must not fill the disk.
    """
    ids = _make_known(seen.parties)
    rows = _within_bounds(_rows(seen, ids))
    Dependency.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["caller", "callee"],
        update_fields=MEASURED,
    )
    _settle_the_rest(seen.ended_at)
    topology_versions.keep(seen)


def _make_known(parties: dict[str, Party]) -> dict[str, int]:
    """The number of each service by slug."""
    known = set(Service.objects.filter(slug__in=parties).values_list("slug", flat=True))
    room = max(0, MOST_SERVICES - Service.objects.count())
    new = [_service(slug, parties[slug]) for slug in sorted(parties.keys() - known)[:room]]
    Service.objects.bulk_create(new, ignore_conflicts=True)
    senders = [slug for slug, party in parties.items() if party.kind == "service"]
    outside = Service.objects.filter(slug__in=senders, kind=Service.Kind.EXTERNAL)
    outside.update(kind=Service.Kind.SERVICE)
    return dict(Service.objects.filter(slug__in=parties).values_list("slug", "pk"))


def _service(slug: str, party: Party) -> Service:
    return Service(slug=slug, name=title_of(party.name), kind=party.kind)


def _rows(seen: Observed, ids: dict[str, int]) -> list[Dependency]:
    """In one order, so that two that write at once do not wait for each other."""
    known = [e for e in seen.edges if e.caller.name in ids and e.callee.name in ids]
    rows = [_row(edge, ids, seen.ended_at) for edge in known]
    return sorted(rows, key=lambda row: (row.caller_id, row.callee_id))


def _row(edge: CallEdge, ids: dict[str, int], at: datetime) -> Dependency:
    return Dependency(
        caller_id=ids[edge.caller.name],
        callee_id=ids[edge.callee.name],
        origin=Dependency.Origin.OBSERVED,
        seen_at=at,
        calls_per_minute=edge.calls / (STRETCH / timedelta(minutes=1)),
        error_share=edge.errors / edge.calls if edge.calls else None,
        p95_ms=edge.p95_ms,
        confidence=edge.confidence,
    )


def _within_bounds(rows: Iterable[Dependency]) -> list[Dependency]:
    known = set(Dependency.objects.values_list("caller", "callee"))
    room = MOST_EDGES - len(known)
    kept: list[Dependency] = []
    for row in rows:
        is_new = (row.caller_id, row.callee_id) not in known
        if not is_new or room > 0:
            kept.append(row)
            room -= is_new
    return kept


def _settle_the_rest(at: datetime) -> None:
    """What was not seen this time has no traffic now; what was not seen for long is forgotten."""
    quiet = Dependency.objects.filter(calls_per_minute__gt=0, seen_at__lt=at)
    quiet.update(calls_per_minute=0, error_share=None, p95_ms=None)
    observed = Dependency.objects.filter(origin=Dependency.Origin.OBSERVED)
    observed.filter(seen_at__lt=at - FORGOTTEN_AFTER).delete()
