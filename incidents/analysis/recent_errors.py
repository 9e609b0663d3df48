"""What the logs and traces of the services say of errors around the onset, and said before it."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from incidents.analysis import case
from incidents.analysis.finding import Evidence
from incidents.models import Incident
from telemetry import asking, log_patterns, topology
from telemetry.records import LogRecord, Span
from telemetry.sources.base import Source
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery, TraceSummary

LATE = timedelta(minutes=1)  # alerts come some time after what they are about
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(minutes=15)
SECONDS = 3.0
ERROR = 17  # OpenTelemetry's number
MOST_SERVICES = 6
MOST_LINES_READ, MOST_LINES_KEPT = 300, 20
MOST_PATTERNS = 10
MOST_TRACES_READ, MOST_TRACES_KEPT = 20, 5
MOST_SPANS = 200
LONGEST_LINE = 500
RISE = 2.0
FEWEST_NEW = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nanoseconds. `split` is when the trouble may have begun; the time before it is as long."""

    start: int
    split: int
    end: int
    onset: int


@dataclass(frozen=True, slots=True)
class Errors:
    """`logs` is a fact a service and source, `traces` one a trace; `problems` names sources that
    did not answer."""

    logs: list[dict[str, Any]] = field(default_factory=list)
    traces: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def risen(self) -> list[dict[str, Any]]:
        """Services that log more errors than before, or new ones."""
        return [fact for fact in self.logs if _has_risen(fact)]

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [fact for fact in self.traces if fact["errors"]]


def _has_risen(fact: dict[str, Any]) -> bool:
    new = [each["count"] for each in fact["patterns"] if each["trend"] == "new"]
    return bool(fact["after"] > RISE * fact["before"]) or max(new, default=0) >= FEWEST_NEW


def around(incident: Incident) -> Errors:
    """Asks every source of logs and of traces at once; one that is down is only named."""
    names = _names(incident)
    if not names:
        return Errors()
    stretch = _stretch(case.trusted_onset(incident))
    logs = asking.ask_all("logs", _Lines(list(names), stretch), seconds=SECONDS)
    traces = asking.ask_all("traces", _Traces(list(names), stretch), seconds=SECONDS)
    return Errors(
        logs=[
            _log_fact(str(answer.source), names[name], pair, stretch)
            for answer in logs
            for name, pair in zip(names, answer.value or [], strict=False)
            if pair[1]
        ],
        traces=[
            _trace_fact(str(answer.source), summary, spans, stretch)
            for answer in traces
            for summary, spans in answer.value or []
        ][:MOST_TRACES_KEPT],
        problems=[*_problems(logs), *_problems(traces)][:5],
    )


def _problems(answers: Iterable[asking.Answer[Any]]) -> Iterator[str]:
    return (f"{one.source}: {one.problem}" for one in answers if one.problem)


def evidence_of(errors: Errors) -> list[Evidence]:
    logs = [Evidence("log", _log_words(fact), fact["offset_seconds"]) for fact in errors.risen]
    traces = [Evidence("trace", _trace_words(f), f["offset_seconds"]) for f in errors.failed]
    return [*logs[:4], *traces[:2]]


def in_words(errors: Errors) -> str:
    """A sentence, or nothing."""
    said = [_log_words(fact) for fact in errors.risen[:1]]
    return f"{said[0]}." if said else ""


@dataclass(frozen=True, slots=True)
class _Lines:
    """A question: of each service the error lines before and since, both newest first."""

    names: Sequence[str]
    stretch: Stretch

    async def __call__(self, source: Source) -> list[tuple[list[LogRecord], list[LogRecord]]]:
        return list(await asyncio.gather(*(self._of(source, name) for name in self.names)))

    async def _of(self, source: Source, name: str) -> tuple[list[LogRecord], list[LogRecord]]:
        start, split, end = self.stretch.start, self.stretch.split, self.stretch.end
        before, since = await asyncio.gather(
            *(
                source.logs(
                    LogQuery(start_ns=a, end_ns=b, service=name, least_severity=ERROR),
                    MOST_LINES_READ,
                )
                for a, b in ((start, split - 1), (split, end))
            )
        )
        return before, since


@dataclass(frozen=True, slots=True)
class _Traces:
    """A question: the failed and the slowest traces of the services since, with their spans."""

    names: Sequence[str]
    stretch: Stretch

    async def __call__(self, source: Source) -> list[tuple[TraceSummary, list[Span]]]:
        found = await asyncio.gather(
            *(
                source.traces(
                    TraceQuery(
                        start_ns=self.stretch.split,
                        end_ns=self.stretch.end,
                        service=name,
                        only_errors=only_errors,
                    ),
                    MOST_TRACES_READ,
                )
                for name in self.names
                for only_errors in (True, False)
            )
        )
        worst = _worst(summary for answer in found for summary in answer)
        spans = await asyncio.gather(*(source.trace(each.trace_id) for each in worst))
        return list(zip(worst, spans, strict=True))


def gravity(trace: dict[str, Any]) -> tuple[bool, float]:
    """Sorts those that failed before the others, then the slowest first."""
    return not trace["errors"], -trace["duration_ms"]


def _worst(summaries: Iterable[TraceSummary]) -> list[TraceSummary]:
    """Each once: those that failed, then the slowest."""
    by_id = {summary.trace_id: summary for summary in summaries}
    ordered = sorted(by_id.values(), key=lambda one: (not one.error_count, -one.duration_ns))
    return ordered[:MOST_TRACES_KEPT]


def _names(incident: Incident) -> dict[str, str]:
    """What the services near the trouble are called in logs and traces, with their slugs."""
    edges, near = case.load_edges(), case.touched(incident)
    needed = sorted(set().union(*(topology.dependencies(slug, edges) for slug in near)))
    slugs = list(dict.fromkeys([*near, *needed]))[:MOST_SERVICES]
    known = case.services_by_slug(set(slugs))
    return {known[slug].title: slug for slug in slugs if slug in known}


def _stretch(onset: datetime) -> Stretch:
    split = onset - LATE
    end = min(timezone.now(), onset + LONGEST)
    start = split - max(end - split, SHORTEST)
    return Stretch(*(int(at.timestamp() * 1e9) for at in (start, split, end, onset)))


def _log_fact(
    source: str, service: str, pair: tuple[list[LogRecord], list[LogRecord]], stretch: Stretch
) -> dict[str, Any]:
    before, since = ([*reversed(lines)] for lines in pair)
    bodies = [_plain(record.body, LONGEST_LINE) for record in since]
    patterns = log_patterns.compare(bodies, [record.body for record in before])
    return {
        "source": source,
        "service": service,
        "before": len(before),
        "after": len(since),
        "offset_seconds": (since[0].at_ns - stretch.onset) // 1_000_000_000,
        "patterns": [_pattern(each, bodies) for each in patterns[:MOST_PATTERNS]],
        "lines": [_line(record) for record in since[:MOST_LINES_KEPT]],
    }


def _pattern(pattern: log_patterns.Pattern, bodies: list[str]) -> dict[str, Any]:
    return {
        "text": pattern.text[:LONGEST_LINE],
        "count": pattern.count,
        "before": pattern.before,
        "trend": pattern.trend,
        "sample": bodies[pattern.lines[0]] if pattern.lines else "",
    }


def _line(record: LogRecord) -> dict[str, Any]:
    return {
        "at_ms": record.at_ns // 1_000_000,
        "severity": record.severity,
        "body": _plain(record.body, LONGEST_LINE),
        "trace_id": record.trace_id,
    }


def _trace_fact(
    source: str, summary: TraceSummary, spans: list[Span], stretch: Stretch
) -> dict[str, Any]:
    return {
        "source": source,
        "trace_id": summary.trace_id,
        "service": _plain(summary.root_service, 100),
        "name": _plain(summary.root_name, 200),
        "start_ms": summary.start_ns // 1_000_000,
        "duration_ms": round(summary.duration_ns / 1e6, 3),
        "errors": summary.error_count,
        "span_count": summary.span_count,
        "offset_seconds": (summary.start_ns - stretch.onset) // 1_000_000_000,
        "spans": [_span(span) for span in spans[:MOST_SPANS]],
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "id": span.span_id,
        "parent": span.parent_id,
        "service": _plain(span.service, 100),
        "name": _plain(span.name, 120),
        "start_ms": span.start_ns // 1_000_000,
        "duration_ms": round(span.duration_ns / 1e6, 3),
        "is_error": span.is_error,
        "status": _plain(span.status_message, 200),
    }


def _plain(text: str, longest: int) -> str:
    """Databases keep no NUL."""
    return text.replace("\0", "\ufffd")[:longest]


def _log_words(fact: dict[str, Any]) -> str:
    count = f"{fact['after']}{' or more' if fact['after'] >= MOST_LINES_READ else ''}"
    lines = "error line" if fact["after"] == 1 else "error lines"
    text = f"{fact['service']} logged {count} {lines}, {fact['before']} in the time before"
    new = next((each for each in fact["patterns"] if each["trend"] == "new"), None)
    return f"{text}; new: “{new['text'][:160]}”" if new else text


def _trace_words(fact: dict[str, Any]) -> str:
    failed = next((span for span in fact["spans"] if span["is_error"]), None)
    where = f" in {failed['service']}: {failed['status'] or failed['name']}" if failed else ""
    return f"A trace of {fact['service']} {fact['name']} failed{where}"
