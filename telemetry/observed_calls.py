"""Who called whom in the last minutes, by spans and by what other sources count; named by slug."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from telemetry import own_records
from telemetry.calls import Call, CallEdge, Party, tally
from telemetry.records import Span
from telemetry.reported_edges import ask_others
from telemetry.service_names import slug_of
from telemetry.span_calls import find_calls

STRETCH = timedelta(minutes=5)
LATE = timedelta(minutes=1)
"""Spans come so late, and a parent or child of a call may be so far outside of the stretch."""
MOST_SPANS = 30_000
_Called = TypeVar("_Called", Call, CallEdge)


@dataclass(frozen=True, slots=True)
class Observed:
    """`parties` are by slug, with the name that their senders use; the edges name slugs."""

    began_at: datetime
    ended_at: datetime
    parties: dict[str, Party]
    edges: list[CallEdge]


def look(now: datetime) -> Observed:
    """The last closed stretch. Raises `store.database.Unavailable`.

    Of more than `MOST_SPANS` the first count for the rest: a part of the stretch is read, and its
    calls are scaled up. What other sources have counted counts where there are no spans of a call.
    """
    ended_at = (now - LATE).replace(second=0, microsecond=0)
    began_at = ended_at - STRETCH
    spans = own_records.spans().between(_ns(began_at - LATE), _ns(ended_at + LATE), MOST_SPANS)
    start_ns, end_ns = _read_part(spans, _ns(began_at), _ns(ended_at))
    calls = list(find_calls(spans, start_ns, end_ns))
    reported = ask_others(began_at, ended_at)
    senders = {Party(span.service) for span in spans}
    slugs = {p: slug_of(p.name) for p in senders | _parties(calls) | _parties(reported)}
    parties = _by_slug(slugs)
    times = STRETCH.total_seconds() * 1e9 / max(1, end_ns - start_ns)
    own = [_scaled(edge, times) for edge in tally(_named(calls, slugs, parties))]
    edges = {edge[:2]: edge for edge in [*_named(reported, slugs, parties), *own]}
    return Observed(began_at, ended_at, parties, sorted(edges.values()))


def _read_part(spans: Sequence[Span], start_ns: int, end_ns: int) -> tuple[int, int]:
    """The stretch, or the middle of what was read where not all of it was."""
    if len(spans) < MOST_SPANS:
        return start_ns, end_ns
    first_ns, last_ns = spans[0].start_ns, spans[-1].start_ns
    margin = (last_ns - first_ns) // 4
    return first_ns + margin, last_ns - margin


def _scaled(edge: CallEdge, times: float) -> CallEdge:
    return edge._replace(calls=round(edge.calls * times), errors=round(edge.errors * times))


def _parties(calls: Iterable[_Called]) -> set[Party]:
    return {party for call in calls for party in (call.caller, call.callee)}


def _by_slug(slugs: dict[Party, str]) -> dict[str, Party]:
    """What sends telemetry of its own is a service, whatever its callers take it for."""
    found = sorted(slugs, key=lambda party: (party.kind == "service", party))
    return {slugs[party]: party for party in found if slugs[party]}


def _named(
    calls: Iterable[_Called], slugs: dict[Party, str], parties: dict[str, Party]
) -> Iterator[_Called]:
    """Those between two that have a slug, and not the same."""
    named = {party: Party(slug, parties[slug].kind) for party, slug in slugs.items() if slug}
    for call in calls:
        caller, callee = named.get(call.caller), named.get(call.callee)
        if caller and callee and caller != callee:
            yield call._replace(caller=caller, callee=callee)


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000
