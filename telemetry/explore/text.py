"""What others sent made fit to be looked at: letters stay, what would act on a screen does not."""

import re
from datetime import UTC, datetime

from telemetry.units import format_value

_COLOURS = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {127: 0x2421}


def readable(text: str, most: int) -> str:
    """Without terminal colours; other controls as their pictures, marks of direction as a
    replacement character; the first `most` characters and a word about the rest."""
    shown = _BIDI.sub("\ufffd", _COLOURS.sub("", text[:most]).translate(_PICTURES))
    more = len(text) - most
    return f"{shown} … and {more:,} more characters" if more > 0 else shown


def one_line(text: str, most: int) -> str:
    shown = " ".join(readable(text[: most + 1], most + 1).split())
    return f"{shown[:most]}…" if len(shown) > most else shown


def moment(at_ns: int) -> datetime:
    """What lies outside of what a calendar holds is its nearest end."""
    return datetime.fromtimestamp(min(max(at_ns, 0), 4 * 10**18) / 10**9, UTC)


def as_duration(nanoseconds: int) -> str:
    return format_value(nanoseconds / 10**9, "s") if nanoseconds else "0 s"
