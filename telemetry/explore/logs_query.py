"""A search for log lines, as an address says it, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from telemetry.explore.range import TimeRange, Unreadable
from telemetry.store.logs import LogQuery

SEVERITIES: dict[str, int] = {"debug": 5, "info": 9, "warning": 13, "error": 17, "fatal": 21}
TONES: dict[str, str] = {
    "fatal": "critical",
    "error": "high",
    "warning": "medium",
    "info": "low",
    "debug": "info",
    "trace": "info",
    "unknown": "info",
}
MOST_ATTRIBUTES = 10
_LONGEST = {"q": 500, "service": 200, "trace": 64, "source": 60, "attr": 1200}


@dataclass(frozen=True, slots=True)
class LogSearch:
    """`severity` is the least one, as a word; an attribute must be exactly what is said."""

    time: TimeRange
    text: str = ""
    service: str = ""
    severity: str = ""
    trace: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def query(self, *, before: tuple[int, int] | None = None, start_ns: int = 0) -> LogQuery:
        return LogQuery(
            start_ns=start_ns or self.time.start_ns,
            end_ns=self.time.end_ns,
            text=self.text,
            service=self.service,
            least_severity=SEVERITIES.get(self.severity, 0),
            trace_id=self.trace,
            attributes=dict(self.attributes),
            before=before,
        )

    @property
    def is_narrow(self) -> bool:
        return bool(self.text or self.service or self.severity or self.trace or self.attributes)

    def address(self, **changes: str) -> str:
        """The query of an address, with some parts of it changed; an empty one is left out."""
        parts = {
            "q": self.text,
            "service": self.service,
            "severity": self.severity,
            "trace": self.trace,
            "source": self.source,
        } | changes
        pairs = [(name, value) for name, value in parts.items() if value]
        attributes = [("attr", f"{name}={value}") for name, value in self.attributes]
        return "?" + urlencode([*pairs, *attributes, *self.time.parameters])

    def with_attribute(self, name: str, value: str) -> str:
        return f"{self.address()}&{urlencode({'attr': f'{name}={value}'})}"

    def without_attribute(self, name: str) -> str:
        left = tuple(pair for pair in self.attributes if pair[0] != name)
        return LogSearch(
            self.time, self.text, self.service, self.severity, self.trace, left, self.source
        ).address()


def read_search(
    given: Mapping[str, str], attributes: Sequence[str], time: TimeRange
) -> tuple[LogSearch, dict[str, str]]:
    """As much of it as can be read, and what is wrong with the rest, by field."""
    problems: dict[str, str] = {}
    texts = {name: given.get(name, "").strip() for name in _LONGEST}
    for name, most in _LONGEST.items():
        if len(texts[name]) > most:
            problems[name], texts[name] = f"At most {most} characters.", ""
    severity = given.get("severity", "")
    if severity and severity not in SEVERITIES:
        problems["severity"], severity = "There is no such severity.", ""
    if (trace := texts["trace"].lower()) and not _is_hexadecimal(trace):
        problems["trace"], trace = "A trace id is made of the digits 0-9 and a-f.", ""
    try:
        wanted = read_attributes(attributes)
    except Unreadable as error:
        problems[error.field], wanted = str(error), ()
    search = LogSearch(time, texts["q"], texts["service"], severity, trace, wanted, texts["source"])
    return search, problems


def read_attributes(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """From `name=value`. Raises Unreadable."""
    wanted: dict[str, str] = {}
    for text in filter(None, (text.strip() for text in texts)):
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or len(text) > _LONGEST["attr"]:
            raise Unreadable("attr", "Write an attribute as name=value.")
        wanted[name.strip()] = value.strip()
    if len(wanted) > MOST_ATTRIBUTES:
        raise Unreadable("attr", f"At most {MOST_ATTRIBUTES} attributes.")
    return tuple(wanted.items())


def read_place(text: str) -> tuple[int, int] | None:
    """`1700000000000000000.42` is where a page begins; None for anything else."""
    at, dot, number = text.partition(".")
    if dot and all(part.isascii() and part.isdecimal() and len(part) < 20 for part in (at, number)):
        place = int(at), int(number)
        return place if max(place) < 2**63 else None
    return None


def _is_hexadecimal(text: str) -> bool:
    return not set(text) - set("0123456789abcdef")
