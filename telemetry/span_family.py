"""Spans of a stretch of time, with who is whose parent."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from telemetry.peers import address_of, role_of
from telemetry.records import Span, SpanKind

SpanKey = tuple[str, str]


class SpanFamily:
    """Parents and children may come in any order; a span that comes twice is there once."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans: dict[SpanKey, Span] = {}
        self._roles: dict[SpanKey, SpanKind] = {}
        self._children: defaultdict[SpanKey, list[Span]] = defaultdict(list)
        for span in spans:
            if (key := key_of(span)) not in self._spans:
                self._spans[key] = span
                self._roles[key] = role_of(span)
                self._children[span.trace_id, span.parent_id].append(span)
        self.services = {span.service for span in self._spans.values()}

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans.values())

    def role(self, span: Span) -> SpanKind:
        """A span without a kind takes the messages that its parent in another service sent, and
        calls the address that it tells below a parent in its own."""
        role, parent = self._roles[key_of(span)], self.parent(span)
        if role != "" or parent is None:
            return role
        if parent.service != span.service:
            return "consumer" if self._roles[key_of(parent)] == "producer" else ""
        return "client" if address_of(span) else ""

    def parent(self, span: Span) -> Span | None:
        return self._spans.get((span.trace_id, span.parent_id)) if span.parent_id else None

    def children(self, span: Span) -> list[Span]:
        return self._children.get(key_of(span), [])

    def get(self, key: SpanKey) -> Span | None:
        return self._spans.get(key)


def key_of(span: Span) -> SpanKey:
    return span.trace_id, span.span_id
