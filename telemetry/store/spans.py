"""Spans kept by the console itself, and the traces that they make up."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from telemetry.records import Link, Span, SpanEvent
from telemetry.store.databases import Database, Row, attribute_path, open_database
from telemetry.store.schemas import POSTGRES_SPANS, SQLITE_SPANS

MOST_TRACES = 200
MOST_SPANS = 5_000
FORGET_A_TURN = 5_000
_COLUMNS = (
    "trace_id, span_id, parent_id, service, name, kind, start_ns, duration_ns, is_error,"
    " status_message, attributes, resource, links, events"
)
_INSERT = (
    f"INSERT INTO span ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (columns of this module)
    " ON CONFLICT DO NOTHING"
)
_ATTRIBUTE = "attributes ->> ? = ?"


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Traces with at least one span that is all of this."""

    start_ns: int
    end_ns: int
    service: str = ""
    operation: str = ""
    least_ns: int = 0
    most_ns: int | None = None
    only_errors: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """`root` is the span without a parent here; its service and name head the trace."""

    trace_id: str
    root_service: str
    root_name: str
    start_ns: int
    duration_ns: int
    span_count: int
    error_count: int
    services: tuple[str, ...]


class SpanStore:
    """Committed when `append` returns; a span sent twice is kept once. Raises
    `databases.Unavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, spans: Sequence[Span]) -> None:
        with self._database.change() as transaction:
            transaction.execute_many(_INSERT, map(_row_of, spans))

    def find(self, query: TraceQuery, limit: int = 20) -> list[TraceSummary]:
        """Newest first, at most MOST_TRACES."""
        where, values = _conditions(query, self._database.kind)
        found = self._database.ask(
            f"SELECT trace_id, MAX(start_ns) FROM span WHERE {where}"  # noqa: S608 (as above)
            " GROUP BY trace_id ORDER BY 2 DESC LIMIT ?",
            [*values, min(limit, MOST_TRACES)],
        )
        ids = [row[0] for row in found]
        spans = self._spans_of(ids)
        return [_summary(trace_id, spans[trace_id]) for trace_id in ids]

    def trace(self, trace_id: str) -> list[Span]:
        """In order of their start, at most MOST_SPANS; empty when it is not known."""
        return self._spans_of([trace_id])[trace_id]

    def between(self, start_ns: int, end_ns: int) -> Iterator[Span]:
        """Spans that began in the stretch, oldest first."""
        rows = self._database.ask(
            f"SELECT {_COLUMNS} FROM span WHERE start_ns >= ? AND start_ns < ? ORDER BY start_ns",  # noqa: S608 (as above)
            [start_ns, end_ns],
        )
        return map(_span_of, rows)

    def operations(self, service: str, start_ns: int, end_ns: int) -> list[str]:
        rows = self._database.ask(
            "SELECT DISTINCT name FROM span WHERE service = ? AND start_ns BETWEEN ? AND ?"
            " ORDER BY 1 LIMIT 200",
            [service, start_ns, end_ns],
        )
        return [row[0] for row in rows]

    def services(self, start_ns: int, end_ns: int) -> list[str]:
        rows = self._database.ask(
            "SELECT DISTINCT service FROM span WHERE start_ns BETWEEN ? AND ? ORDER BY 1",
            [start_ns, end_ns],
        )
        return [row[0] for row in rows]

    def forget(self, before_ns: int) -> int:
        """Deletes what is older, a few thousand at a time so that nobody waits long; how many."""
        forgotten = 0
        while deleted := self._forget_some(before_ns):
            forgotten += deleted
        return forgotten

    def close(self) -> None:
        self._database.close()

    def _forget_some(self, before_ns: int) -> int:
        with self._database.change() as transaction:
            oldest = transaction.execute(
                "SELECT trace_id, span_id FROM span WHERE start_ns < ? ORDER BY start_ns LIMIT ?",
                [before_ns, FORGET_A_TURN],
            )
            transaction.execute_many("DELETE FROM span WHERE trace_id = ? AND span_id = ?", oldest)
        return len(oldest)

    def _spans_of(self, trace_ids: Sequence[str]) -> defaultdict[str, list[Span]]:
        spans: defaultdict[str, list[Span]] = defaultdict(list)
        if trace_ids:
            marks = ", ".join("?" * len(trace_ids))
            rows = self._database.ask(
                f"SELECT {_COLUMNS} FROM span WHERE trace_id IN ({marks})"  # noqa: S608 (as above)
                " ORDER BY start_ns LIMIT ?",
                [*trace_ids, MOST_SPANS * len(trace_ids)],
            )
            for row in rows:
                spans[row[0]].append(_span_of(row))
        return spans


def open_spans(url: str) -> SpanStore:
    return SpanStore(open_database(url, sqlite_schema=SQLITE_SPANS, postgres_schema=POSTGRES_SPANS))


def _conditions(query: TraceQuery, kind: str) -> tuple[str, list[Any]]:
    wanted: list[tuple[str, list[Any]]] = [
        ("start_ns BETWEEN ? AND ?", [query.start_ns, query.end_ns])
    ]
    if query.service:
        wanted.append(("service = ?", [query.service]))
    if query.operation:
        wanted.append(("name = ?", [query.operation]))
    if query.least_ns:
        wanted.append(("duration_ns >= ?", [query.least_ns]))
    if query.most_ns is not None:
        wanted.append(("duration_ns <= ?", [query.most_ns]))
    if query.only_errors:
        wanted.append(("is_error = 1", []))
    for name, value in query.attributes.items():
        wanted.append((_ATTRIBUTE, [attribute_path(name, kind), value]))
    return " AND ".join(sql for sql, _ in wanted), [v for _, values in wanted for v in values]


def _summary(trace_id: str, spans: Sequence[Span]) -> TraceSummary:
    ids = {span.span_id for span in spans}
    root = next((span for span in spans if span.parent_id not in ids), spans[0])
    start = min(span.start_ns for span in spans)
    return TraceSummary(
        trace_id=trace_id,
        root_service=root.service,
        root_name=root.name,
        start_ns=start,
        duration_ns=max(span.start_ns + span.duration_ns for span in spans) - start,
        span_count=len(spans),
        error_count=sum(span.is_error for span in spans),
        services=tuple(dict.fromkeys(span.service for span in spans)),
    )


def _row_of(span: Span) -> Row:
    documents = (
        dict(span.attributes),
        dict(span.resource),
        [asdict(link) for link in span.links],
        [asdict(event) for event in span.events],
    )
    return (
        span.trace_id,
        span.span_id,
        span.parent_id,
        span.service,
        span.name,
        span.kind,
        span.start_ns,
        span.duration_ns,
        int(span.is_error),
        span.status_message,
        *(orjson.dumps(document).decode() for document in documents),
    )


def _span_of(row: Row) -> Span:
    documents: list[Any] = [
        orjson.loads(part) if isinstance(part, str) else part for part in row[10:]
    ]
    return Span(
        trace_id=row[0],
        span_id=row[1],
        parent_id=row[2],
        service=row[3],
        name=row[4],
        kind=row[5],
        start_ns=row[6],
        duration_ns=row[7],
        is_error=bool(row[8]),
        status_message=row[9],
        attributes=documents[0],
        resource=documents[1],
        links=tuple(Link(**link) for link in documents[2]),
        events=tuple(SpanEvent(**event) for event in documents[3]),
    )
