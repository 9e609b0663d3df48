"""Spans kept by the console itself, and the traces that they make up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from telemetry.records import Link, Span, SpanEvent
from telemetry.store.database import Database, Session
from telemetry.store.records_database import Dialect, Row, attribute_path, open_records
from telemetry.store.schemas import POSTGRES_SPANS, SQLITE_SPANS

MOST_TRACES = 200
MOST_SPANS = 5_000
FORGET_A_TURN = 5_000
_COLUMNS = (
    *("trace_id", "span_id", "parent_id", "service", "name", "kind", "start_ns", "duration_ns"),
    *("is_error", "status_message", "attributes", "resource", "links", "events"),
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM span"  # noqa: S608 (columns of this module)
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
    """Committed when `append` returns; a span sent twice is kept once. Each deed raises
    `database.Unavailable`."""

    def __init__(self, database: Database, dialect: Dialect) -> None:
        self._database = database
        self._dialect = dialect

    def append(self, spans: Iterable[Span]) -> None:
        with self._database.writing() as session:
            session.add_new("span", _COLUMNS, map(_row_of, spans))

    def find(self, query: TraceQuery, limit: int = 20) -> list[TraceSummary]:
        """Newest first, at most MOST_TRACES."""
        where, values = _conditions(query, self._dialect)
        statement = (
            f"SELECT trace_id, MAX(start_ns) FROM span WHERE {where}"  # noqa: S608 (conditions of this module)
            " GROUP BY trace_id ORDER BY 2 DESC LIMIT ?"
        )
        with self._database.reading() as session:
            found = session.rows(statement, *values, min(limit, MOST_TRACES))
            spans = _spans_of(session, [row[0] for row in found])
        return [summary_of(spans[trace_id]) for trace_id, _ in found]

    def trace(self, trace_id: str) -> list[Span]:
        """In order of their start, at most MOST_SPANS; empty when it is not known."""
        with self._database.reading() as session:
            return _spans_of(session, [trace_id])[trace_id]

    def between(self, start_ns: int, end_ns: int, limit: int) -> list[Span]:
        """Spans that began in the stretch, oldest first, at most `limit`."""
        statement = f"{_SELECT} WHERE start_ns >= ? AND start_ns < ? ORDER BY start_ns LIMIT ?"
        with self._database.reading() as session:
            return [_span_of(row) for row in session.rows(statement, start_ns, end_ns, limit)]

    def operations(self, service: str, start_ns: int, end_ns: int) -> list[str]:
        statement = (
            "SELECT DISTINCT name FROM span WHERE service = ? AND start_ns BETWEEN ? AND ?"
            " ORDER BY 1 LIMIT 200"
        )
        with self._database.reading() as session:
            return [row[0] for row in session.rows(statement, service, start_ns, end_ns)]

    def services(self, start_ns: int, end_ns: int) -> list[str]:
        statement = "SELECT DISTINCT service FROM span WHERE start_ns BETWEEN ? AND ? ORDER BY 1"
        with self._database.reading() as session:
            return [row[0] for row in session.rows(statement, start_ns, end_ns)]

    def forget(self, before_ns: int) -> int:
        """Deletes what is older, a few thousand at a time so that nobody waits long; how many."""
        forgotten = 0
        while deleted := self._forget_some(before_ns):
            forgotten += deleted
        return forgotten

    def size_bytes(self) -> int:
        return self._database.size_bytes()

    def close(self) -> None:
        self._database.close()

    def _forget_some(self, before_ns: int) -> int:
        statement = (
            "DELETE FROM span WHERE (trace_id, span_id) IN"
            " (SELECT trace_id, span_id FROM span WHERE start_ns < ? ORDER BY start_ns LIMIT ?)"
        )
        with self._database.writing() as session:
            return session.change(statement, before_ns, FORGET_A_TURN)


def open_spans(url: str) -> SpanStore:
    """Connects when it is first used. Raises ValueError for an address of neither database."""
    return SpanStore(
        *open_records(url, "spans", sqlite_schema=SQLITE_SPANS, postgres_schema=POSTGRES_SPANS)
    )


def _spans_of(session: Session, trace_ids: Sequence[str]) -> defaultdict[str, list[Span]]:
    rows = session.rows_among(f"{_SELECT} WHERE trace_id IN ({{}})", among=trace_ids)
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[6]):
        if len(spans[row[0]]) < MOST_SPANS:
            spans[row[0]].append(_span_of(row))
    return spans


def _conditions(query: TraceQuery, dialect: Dialect) -> tuple[str, list[Any]]:
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
        wanted.append((_ATTRIBUTE, [attribute_path(name, dialect), value]))
    return " AND ".join(sql for sql, _ in wanted), [v for _, values in wanted for v in values]


def summary_of(spans: Sequence[Span]) -> TraceSummary:
    """Of the spans of one trace that are there, at least one."""
    ids = {span.span_id for span in spans}
    root = next((span for span in spans if span.parent_id not in ids), spans[0])
    start = min(span.start_ns for span in spans)
    return TraceSummary(
        trace_id=root.trace_id,
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
