"""A search for traces, as an address says it, and back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from telemetry.explore.logs_query import read_attributes
from telemetry.explore.range import TimeRange, Unreadable
from telemetry.store.spans import TraceQuery

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(us|µs|ms|s|m|min|h)?", re.ASCII)
_NANOSECONDS = {
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "min": 60 * 10**9,
    "h": 3_600 * 10**9,
}
_LONGEST_NS = 30 * 86_400 * 10**9
_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """Durations are as they were written."""

    time: TimeRange
    service: str = ""
    operation: str = ""
    least: str = ""
    most: str = ""
    only_errors: bool = False
    attributes: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def query(self) -> TraceQuery:
        return TraceQuery(
            start_ns=self.time.start_ns,
            end_ns=self.time.end_ns,
            service=self.service,
            operation=self.operation,
            least_ns=read_duration(self.least) if self.least else 0,
            most_ns=read_duration(self.most) if self.most else None,
            only_errors=self.only_errors,
            attributes=dict(self.attributes),
        )

    @property
    def is_narrow(self) -> bool:
        words = (self.service, self.operation, self.least, self.most, self.attributes)
        return self.only_errors or any(words)

    def address(self, *, at: TimeRange | None = None) -> str:
        """The query of an address, of another time if one is given."""
        parts = {
            "service": self.service,
            "operation": self.operation,
            "least": self.least,
            "most": self.most,
            "errors": "1" if self.only_errors else "",
            "source": self.source,
        }
        pairs = [(name, value) for name, value in parts.items() if value]
        attributes = [("attr", f"{name}={value}") for name, value in self.attributes]
        return "?" + urlencode([*pairs, *attributes, *(at or self.time).parameters])


def read_trace_search(
    given: Mapping[str, str], attributes: Sequence[str], time: TimeRange
) -> tuple[TraceSearch, dict[str, str]]:
    """As much of it as can be read, and what is wrong with the rest, by field."""
    problems: dict[str, str] = {}
    names = ("service", "operation", "least", "most", "source")
    texts = {name: given.get(name, "").strip()[:_MOST_CHARACTERS] for name in names}
    for name in ("least", "most"):
        try:
            read_duration(texts[name] or "0")
        except Unreadable as error:
            problems[name], texts[name] = str(error), ""
    try:
        wanted = read_attributes(attributes)
    except Unreadable as error:
        problems[error.field], wanted = str(error), ()
    is_failed = given.get("errors") == "1"
    return TraceSearch(time, **texts, only_errors=is_failed, attributes=wanted), problems


def read_duration(text: str) -> int:
    """Nanoseconds; milliseconds where no unit is written. Raises Unreadable."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Unreadable("least", "Write a duration as 250ms, 1.5s or 2m.")
    return min(round(float(found[1]) * _NANOSECONDS[found[2] or "ms"]), _LONGEST_NS)
