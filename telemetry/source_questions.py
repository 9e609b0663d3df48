"""A question to one source, typed in on its page, and its answer as a small table."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms

from telemetry.asking import ask
from telemetry.calls import CallEdge
from telemetry.data_sources import abilities_of
from telemetry.models import DataSource
from telemetry.records import LogRecord
from telemetry.sources.base import Source, Stretch
from telemetry.store.frames import Frame
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery, TraceSummary

SHOWN = 20
POINTS = 60
LATEST_SECONDS = 253_402_300_799  # the end of the year 9999
RANGES = ((15, "15 minutes"), (60, "1 hour"), (360, "6 hours"), (1440, "24 hours"))
WORDS: Mapping[str, str] = {
    "metrics": "Metrics",
    "logs": "Log lines",
    "traces": "Traces",
    "services": "Services",
    "edges": "Calls between services",
}
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`more` are the rows that are not shown."""

    columns: Row
    rows: Sequence[Row]
    more: int


class QuestionForm(forms.Form):
    """About what the source is able to tell."""

    about = forms.ChoiceField(label="About")
    query = forms.CharField(
        label="Question",
        max_length=2000,
        required=False,
        strip=True,
        help_text="Metrics: in its own language. Logs: words. Traces: the name of a service.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    minutes = forms.TypedChoiceField(label="Of the last", coerce=int, choices=RANGES, initial=15)

    def __init__(self, source: DataSource, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        able = abilities_of(source)
        self.fields["about"] = forms.ChoiceField(
            label="About", choices=[(name, words) for name, words in WORDS.items() if name in able]
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("about") == "metrics" and not cleaned.get("query"):
            self.add_error("query", "Write a query in the language of the source.")
        return cleaned


def answer(source: DataSource, form: QuestionForm, *, now_ms: int) -> Table:
    """Of a valid form. Raises SourceFailed."""
    cleaned = form.cleaned_data
    stretch = Stretch(now_ms - cleaned["minutes"] * 60_000, now_ms)
    question, shown = _QUESTIONS[cleaned["about"]]
    found = ask(source, lambda plugin: question(plugin, cleaned["query"], stretch))
    columns, rows = shown(found)
    return Table(columns, rows[:SHOWN], max(0, len(rows) - SHOWN))


def _metrics(plugin: Source, query: str, stretch: Stretch) -> Coroutine[Any, Any, list[Frame]]:
    step_ms = max(1_000, (stretch.end_ms - stretch.start_ms) // POINTS)
    return plugin.metrics(query, stretch, step_ms)


def _logs(plugin: Source, query: str, stretch: Stretch) -> Coroutine[Any, Any, list[LogRecord]]:
    bounds = stretch.start_ms * 10**6, stretch.end_ms * 10**6
    return plugin.logs(LogQuery(*bounds, text=query), SHOWN)


def _traces(
    plugin: Source, query: str, stretch: Stretch
) -> Coroutine[Any, Any, list[TraceSummary]]:
    bounds = stretch.start_ms * 10**6, stretch.end_ms * 10**6
    return plugin.traces(TraceQuery(*bounds, service=query), SHOWN)


def _services(plugin: Source, query: str, stretch: Stretch) -> Coroutine[Any, Any, list[str]]:
    return plugin.services(stretch)


def _edges(plugin: Source, query: str, stretch: Stretch) -> Coroutine[Any, Any, list[CallEdge]]:
    return plugin.edges(stretch)


def _of_frames(frames: Sequence[Frame]) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (_labels(labels), f"{values[-1]:g}", str(len(values)))
        for frame in frames
        for labels, values in zip(frame.labels, frame.values, strict=True)
    ]
    return ("Series", "Last value", "Points"), rows


def _of_records(records: Sequence[LogRecord]) -> tuple[Row, list[Row]]:
    rows: list[Row] = [(_moment(each.at_ns), each.service, each.body[:500]) for each in records]
    return ("Time", "Service", "Line"), rows


def _of_traces(traces: Sequence[TraceSummary]) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (
            _moment(each.start_ns),
            each.root_service,
            each.root_name,
            f"{each.duration_ns / 1e6:g} ms",
        )
        for each in traces
    ]
    return ("Time", "Service", "Operation", "Took"), rows


def _of_names(names: Sequence[str]) -> tuple[Row, list[Row]]:
    return ("Service",), [(name,) for name in names]


def _of_edges(edges: Sequence[CallEdge]) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (each.caller.name, each.callee.name, str(each.calls), str(each.errors)) for each in edges
    ]
    return ("Caller", "Callee", "Calls", "Failed"), rows


def _labels(labels: Mapping[str, str]) -> str:
    name = labels.get("__name__", "")
    pairs = [f'{key}="{value}"' for key, value in labels.items() if key != "__name__"]
    return f"{name}{{{', '.join(pairs)}}}"[:500]


def _moment(at_ns: int) -> str:
    """What a source tells of may be beyond every calendar."""
    seconds = min(max(at_ns // 10**9, 0), LATEST_SECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


Question = Callable[[Source, str, Stretch], Coroutine[Any, Any, Any]]
_QUESTIONS: Mapping[str, tuple[Question, Callable[[Any], tuple[Row, list[Row]]]]] = {
    "metrics": (_metrics, _of_frames),
    "logs": (_logs, _of_records),
    "traces": (_traces, _of_traces),
    "services": (_services, _of_names),
    "edges": (_edges, _of_edges),
}
