"""Spans about messages become calls: a producer calls the queue, the queue calls its consumers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from telemetry.calls import Call, Party
from telemetry.peers import operation_of, queue_of
from telemetry.records import Span
from telemetry.span_family import SpanFamily, SpanKey, key_of

BeganCall = tuple[int, Call]
Messages = Mapping[SpanKey, set[SpanKey]]
"""By the key of a consuming span, the spans that made what it consumed."""


def message_calls(family: SpanFamily) -> Iterator[BeganCall]:
    """Each call with when it began. Between two services that name no queue, it is direct."""
    consumers = [span for span in family if family.role(span) == "consumer"]
    messages = {key_of(span): _messages(family, span) for span in consumers}
    yield from _sent(family, messages)
    yield from _delivered(family, consumers, messages)
    yield from _delivered_by_nobody_known(family, consumers, messages)


def _messages(family: SpanFamily, span: Span) -> set[SpanKey]:
    keys = {(link.trace_id, link.span_id) for link in span.links}
    parent = family.parent(span)
    if parent and (family.role(parent) == "producer" or parent.service != span.service):
        keys.add(key_of(parent))
    return keys


def _sent(family: SpanFamily, messages: Messages) -> Iterator[BeganCall]:
    consumed = set().union(*messages.values())
    for span in family:
        if family.role(span) == "producer" and (queue := queue_of(span)):
            witnesses = 2 if key_of(span) in consumed else 1
            caller = Party(span.service)
            yield span.start_ns, Call(caller, queue, span.duration_ns, span.is_error, witnesses)


def _delivered(
    family: SpanFamily, consumers: list[Span], messages: Messages
) -> Iterator[BeganCall]:
    found: defaultdict[tuple[Party, Party, SpanKey], list[Span]] = defaultdict(list)
    for span in consumers:
        for message in messages[key_of(span)]:
            if caller := _sender(span, family.get(message)):
                found[caller, Party(span.service), message].append(span)
    for (caller, _, message), spans in found.items():
        witnesses = 2 if family.get(message) else 1
        yield from (_delivery(caller, span, witnesses) for span in _once(spans))


def _sender(span: Span, made: Span | None) -> Party | None:
    queue = queue_of(span) or (queue_of(made) if made else None)
    return queue or (Party(made.service) if made else None)


def _once(spans: list[Span]) -> list[Span]:
    """A message is both received and processed by its consumer: whichever was told more often."""
    received = [span for span in spans if operation_of(span) == "receive"]
    processed = [span for span in spans if operation_of(span) != "receive"]
    return received if len(received) > len(processed) else processed


def _delivered_by_nobody_known(
    family: SpanFamily, consumers: list[Span], messages: Messages
) -> Iterator[BeganCall]:
    """Nobody told what made these messages. A span around or below one that counts does not."""
    for span in consumers:
        queue = queue_of(span)
        around, below = family.parent(span), family.children(span)
        is_told = messages[key_of(span)] or (around and messages.get(key_of(around)))
        is_outer = any(key_of(child) in messages for child in below)
        if queue and not is_told and not is_outer:
            yield _delivery(queue, span, 1)


def _delivery(caller: Party, span: Span, witnesses: int) -> BeganCall:
    callee = Party(span.service)
    return span.start_ns, Call(caller, callee, span.duration_ns, span.is_error, witnesses)
