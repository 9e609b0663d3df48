"""Spans of a made-up shop whose calls are known, as instrumented services would send them."""

from collections import Counter
from random import Random

from telemetry.calls import Party
from telemetry.records import Link, Span

MS = 1_000_000
SECOND = 1000 * MS
MINUTE = 60 * SECOND
MAX_DEPTH = 6


def span(service, name="work", kind="server", *, parent=None, **changes):
    """A child of `parent` in its trace, or the root of one of its own."""
    made = {
        "trace_id": parent.trace_id if parent else f"{name}-trace",
        "span_id": f"{service}-{name}",
        "parent_id": parent.span_id if parent else "",
        "service": service,
        "name": name,
        "kind": kind,
        "start_ns": parent.start_ns + MS if parent else SECOND,
        "duration_ns": 10 * MS,
        "is_error": False,
    }
    return Span(**(made | changes))


class Shop:
    """A random estate without cycles; `calls` counts what was really called."""

    def __init__(self, random: Random, *, services: int, missing_kinds: float) -> None:
        self.random = random
        self.missing_kinds = missing_kinds
        self.spans: list[Span] = []
        self.calls: Counter[tuple[Party, Party]] = Counter()
        self._sent: dict[str, list[Span]] = {}
        self._plan = {number: self._plan_of(number, services) for number in range(services)}

    def _plan_of(self, number, services):
        """What a service calls: services after it, at times a database, a queue, a stranger."""
        later = range(number + 1, min(number + 5, services))
        callees = self.random.sample(later, min(len(later), self.random.randint(2, 3)))
        others = [
            (kind, self.random.randrange(4))
            for kind in ("database", "queue", "external")
            if number == 0 or self.random.random() < 0.4
        ]
        return [*(("service", callee) for callee in callees), *others]

    def serve(self, count: int, *, during_ns: int) -> None:
        for _ in range(count):
            began = self.random.randrange(MINUTE, MINUTE + during_ns)
            root = self._add("service-0", "server", None, began)
            self._work(root, 0)
        for number, queue in enumerate(sorted(self._sent)):
            self._consume(f"consumer-{number}", queue)

    def batches(self, size: int = 500) -> list[list[Span]]:
        """As they arrive: out of order, traces torn apart."""
        shuffled = self.random.sample(self.spans, len(self.spans))
        return [shuffled[at : at + size] for at in range(0, len(shuffled), size)]

    def _work(self, server: Span, depth: int) -> None:
        for kind, number in self._plan[int(server.service.partition("-")[2])]:
            if self.random.random() < 0.6:
                getattr(self, f"_call_{kind}")(server, number, depth)

    def _call_service(self, server, number, depth):
        callee = f"service-{number}"
        address = {"server.address": f"{callee}.shop.example"}
        client = self._add(server.service, "client", server, None, address)
        self._count(Party(server.service), Party(callee))
        served = self._add(callee, "server", client)
        if depth < MAX_DEPTH:
            self._work(served, depth + 1)

    def _call_database(self, server, number, depth):
        told = {"db.system.name": "postgresql", "db.namespace": f"db{number}"}
        self._add(server.service, "client", server, None, told)
        self._count(Party(server.service), Party(f"db{number} (postgresql)", "database"))

    def _call_external(self, server, number, depth):
        told = {"peer.service": f"partner-{number}"}
        self._add(server.service, "client", server, None, told)
        self._count(Party(server.service), Party(f"partner-{number}", "external"))

    def _call_queue(self, server, number, depth):
        topic = f"topic-{number}"
        producer = self._add(server.service, "producer", server, None, _message(topic, "send"))
        self._count(Party(server.service), Party(f"{topic} (kafka)", "queue"))
        self._sent.setdefault(topic, []).append(producer)

    def _consume(self, consumer, topic):
        """Some with the producer as parent, the others in batches of one span with links."""
        messages = list(self._sent[topic])
        told = _message(topic, "process")
        while messages:
            taken = [messages.pop() for _ in range(min(len(messages), self.random.randint(1, 5)))]
            late = max(each.start_ns for each in taken) + self.random.randrange(40 * SECOND)
            if len(taken) == 1:
                self._add(consumer, "consumer", taken[0], late, told)
            else:
                links = tuple(Link(each.trace_id, each.span_id) for each in taken)
                self._add(consumer, "consumer", None, late, told, links)
            for _ in taken:
                self._count(Party(f"{topic} (kafka)", "queue"), Party(consumer))

    def _count(self, caller, callee):
        self.calls[caller, callee] += 1

    def _add(self, service, kind, parent, start_ns=None, attributes=None, links=()):
        number = len(self.spans)
        made = Span(
            trace_id=parent.trace_id if parent else f"trace-{number}",
            span_id=f"span-{number}",
            parent_id=parent.span_id if parent else "",
            service=service,
            name="work",
            kind="" if self.random.random() < self.missing_kinds else kind,
            start_ns=start_ns or parent.start_ns + self.random.randrange(1, 900) * MS,
            duration_ns=self.random.randrange(1, 50) * MS,
            is_error=False,
            attributes=attributes or {},
            links=links,
        )
        self.spans.append(made)
        return made


def _message(topic, operation):
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation.type": operation,
    }
