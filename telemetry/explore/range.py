"""The stretch of time that a page of the explorer shows, as its address says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RANGES: dict[int, str] = {900: "15 m", 3600: "1 h", 21_600: "6 h", 86_400: "24 h", 604_800: "7 d"}
USUAL_SECONDS = 3600
LONGEST = timedelta(days=31)
CUSTOM = "custom"
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """What is written in a field cannot be meant; the message is for who wrote it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class TimeRange:
    """`seconds` back from now, or fixed where that is None."""

    start_ms: int
    end_ms: int
    seconds: int | None = None

    @property
    def start_ns(self) -> int:
        return self.start_ms * 10**6

    @property
    def end_ns(self) -> int:
        """The last nanosecond."""
        return self.end_ms * 10**6 + 999_999

    @property
    def parameters(self) -> list[tuple[str, str]]:
        if self.seconds is not None:
            return [("range", str(self.seconds))]
        return between(self.start_ms, self.end_ms)

    @property
    def from_text(self) -> str:
        return _as_text(self.start_ms)

    @property
    def to_text(self) -> str:
        return _as_text(self.end_ms)

    @property
    def words(self) -> str:
        if self.seconds is not None:
            return f"last {RANGES.get(self.seconds, f'{self.seconds} s')}"
        return f"{self.from_text.replace('T', ' ')} to {self.to_text.replace('T', ' ')} UTC"


def usual_range(now_ms: int) -> TimeRange:
    return _back(USUAL_SECONDS, now_ms)


def read_range(given: Mapping[str, str], now_ms: int) -> TimeRange:
    """`range` in seconds, or `from` and `to` in ISO 8601, UTC unless they say otherwise.

    Raises Unreadable.
    """
    text = given.get("range", "")
    if text and text != CUSTOM:
        if text.isascii() and text.isdecimal() and int(text[:9]) in RANGES:
            return _back(int(text[:9]), now_ms)
        raise Unreadable("range", "Choose one of the ranges there are.")
    if not (given.get("from") or given.get("to")):
        return usual_range(now_ms)
    return _fixed(given.get("from", ""), given.get("to", ""), now_ms)


def between(start_ms: int, end_ms: int) -> list[tuple[str, str]]:
    return [("from", _as_text(start_ms)), ("to", _as_text(end_ms))]


def nice_step(seconds: float, most: int) -> int:
    """The least usual step, in seconds, that gives at most `most` of them."""
    usual = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
    return next((step for step in usual if seconds / step <= most), usual[-1])


def _back(seconds: int, now_ms: int) -> TimeRange:
    return TimeRange(now_ms - seconds * 1000, now_ms, seconds)


def _fixed(start: str, end: str, now_ms: int) -> TimeRange:
    end_ms = _moment("to", end) if end else now_ms
    start_ms = _moment("from", start) if start else end_ms - USUAL_SECONDS * 1000
    if start_ms >= end_ms:
        raise Unreadable("from", "It must be earlier than the end.")
    if end_ms - start_ms > LONGEST / timedelta(milliseconds=1):
        raise Unreadable("from", f"At most {LONGEST.days} days can be looked at.")
    return TimeRange(start_ms, end_ms)


def _moment(field: str, text: str) -> int:
    try:
        at = datetime.fromisoformat(text[:40].strip())
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if not _FIRST <= at <= _LAST:
            raise Unreadable(field, "It must be between the years 2000 and 2100.")
    except (ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(field, "Not a time; write it as 2026-11-22T14:05.") from error
    return int(at.timestamp() * 1000)


def _as_text(at_ms: int) -> str:
    """As a field for date and time takes it."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    whole = at.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{at_ms % 1000:03d}" if at_ms % 1000 else whole
