"""Times as senders write them, read without ever failing."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_TEXT = 64
_UNITS_PER_SECOND = (1, 1_000, 1_000_000, 1_000_000_000)
_EARLIEST_EPOCH, _LATEST_EPOCH = 1e8, 1e11  # 1973 and 5138: no number fits two units


def read_sender_time(value: object) -> datetime | None:
    """An aware UTC datetime, or None where the sender gave none that can be read.

    Reads ISO 8601, RFC 2822 and Unix epochs in s, ms, µs or ns. A time without a zone is taken
    as UTC. The zero times of Go (year 1) and of Unix (1970-01-01T00:00:00Z) mean "no time".
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_epoch(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        return None
    return _from_text(value.strip())


def _from_text(text: str) -> datetime | None:
    if text.removeprefix("-").replace(".", "", 1).isdecimal():
        return _from_epoch(float(text))
    return _in_utc(_parse_iso(text) or _parse_rfc2822(text))


def _parse_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _parse_rfc2822(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        aware = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return None if aware.year == 1 or aware == _EPOCH else aware


def _from_epoch(number: float) -> datetime | None:
    for units in _UNITS_PER_SECOND:
        if _EARLIEST_EPOCH <= number / units < _LATEST_EPOCH:
            return _EPOCH + timedelta(seconds=number / units)
    return None
