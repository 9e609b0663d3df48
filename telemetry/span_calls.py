"""Spans become calls: a change of service from parent to child, or what a client says it called."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from telemetry.calls import Call, Party
from telemetry.message_calls import message_calls
from telemetry.peers import address_of, database_of, is_about_messages
from telemetry.records import Span
from telemetry.span_family import SpanFamily

_INSIDE = (".svc", ".svc.cluster.local", ".local", ".internal")


def find_calls(spans: Iterable[Span], start_ns: int, end_ns: int) -> Iterator[Call]:
    """Calls that began in the stretch.

    Give the spans around it too: a parent may have begun before it and a child after. Stretches
    that follow on each other then count every call once. A call's duration is the caller's, which
    is what it waited for, or the callee's where the caller has no span for the call; it failed
    when either side says so. A message is a call of its queue, and its delivery a call by it.
    """
    family = SpanFamily(spans)
    everything = (answered_calls(family), _unanswered_calls(family), message_calls(family))
    for calls in everything:
        yield from (call for began_ns, call in calls if start_ns <= began_ns < end_ns)


def answered_calls(family: SpanFamily) -> Iterator[tuple[int, Call]]:
    """Both sides sent spans. A client's span is one call, however often the callee was tried."""
    for parent in family:
        is_client = family.role(parent) == "client"
        told: set[str] = set()
        for child in sorted(_callees(family, parent), key=lambda span: span.start_ns):
            if not (is_client and child.service in told):
                told.add(child.service)
                yield child.start_ns, _answered(family, parent, child)


def _answered(family: SpanFamily, parent: Span, child: Span) -> Call:
    is_client = family.role(parent) == "client"
    return Call(
        Party(parent.service),
        Party(child.service),
        duration_ns=parent.duration_ns if is_client else child.duration_ns,
        is_error=child.is_error or (is_client and parent.is_error),
        witnesses=2 if is_client and family.role(child) == "server" else 1,
    )


def _callees(family: SpanFamily, parent: Span) -> list[Span]:
    return [
        child
        for child in family.children(parent)
        if child.service != parent.service and family.role(child) != "consumer"
    ]


def _unanswered_calls(family: SpanFamily) -> Iterator[tuple[int, Call]]:
    known = _services_by_address(family)
    for span in family:
        if _is_unanswered(family, span):
            callee = database_of(span) or _peer(span, family.services, known)
            if callee:
                caller = Party(span.service)
                yield span.start_ns, Call(caller, callee, span.duration_ns, span.is_error, 1)


def _is_unanswered(family: SpanFamily, span: Span) -> bool:
    """Of client spans within each other the innermost is the call, but a database's own span
    rather than the transport below it."""
    if family.role(span) != "client" or _callees(family, span):
        return False
    parent = family.parent(span)
    if parent and _is_transport(family, span, parent):
        return False
    below = family.children(span)
    return all(
        _is_transport(family, child, span) or not _is_client_of(family, child, span)
        for child in below
    )


def _is_transport(family: SpanFamily, span: Span, parent: Span) -> bool:
    """Whether it only carries what its parent told already: a query or messages."""
    if database_of(span) or not _is_client_of(family, span, parent):
        return False
    role = family.role(parent)
    is_talk_with_queue = parent.kind == "client" and is_about_messages(parent)
    return (
        role == "producer" or is_talk_with_queue or bool(role == "client" and database_of(parent))
    )


def _is_client_of(family: SpanFamily, span: Span, parent: Span) -> bool:
    return span.service == parent.service and family.role(span) == "client"


def _services_by_address(family: SpanFamily) -> dict[str, set[str]]:
    """Who answers at an address, from the calls that were answered."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    for span in family:
        if family.role(span) == "client" and (address := address_of(span)):
            known[address].update(child.service for child in _callees(family, span))
    return known


def _peer(span: Span, services: set[str], known: dict[str, set[str]]) -> Party | None:
    """None when it is not told, or when several services answer there."""
    address, name = address_of(span), span.attributes.get("peer.service", "")
    if name:
        return Party(name, "service" if name in services else "external")
    if answering := known.get(address):
        return Party(min(answering)) if len(answering) == 1 else None
    first, _, rest = address.partition(".")
    if first in services and (not rest or f".{rest}".endswith(_INSIDE) or ".svc" in f".{rest}"):
        return Party(first)
    return Party(address, "external") if address else None
