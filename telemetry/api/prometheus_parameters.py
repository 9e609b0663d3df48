"""What was asked, as Prometheus' query API takes it: in the address, or as a form."""

import math
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import parse_qsl

import promql_parser
from starlette.requests import ClientDisconnect, Request

from telemetry.promql.errors import InvalidQuery

MOST_BYTES = 1_000_000
MOST_FIELDS = 1_000
LAST_SECOND = 253_402_300_799.0  # of the year 9999
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every reading raises InvalidQuery with the parameter's name."""

    given: dict[str, list[str]]

    @classmethod
    async def of(cls, request: Request) -> Self:
        """A form's fields come before those of the address, as in Go."""
        given: dict[str, list[str]] = defaultdict(list)
        for text in (await _form(request), request.url.query):
            try:
                pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
            except ValueError as error:
                raise InvalidQuery("there are too many parameters", parameter="") from error
            for name, value in pairs:
                given[name].append(value)
        return cls(given)

    def text(self, name: str) -> str:
        return self.given[name][0] if name in self.given else ""

    def texts(self, name: str) -> list[str]:
        return self.given.get(name, [])

    def moment_ms(self, name: str, default_ms: int | None = None) -> int:
        """Seconds since 1970, or a time as RFC 3339 writes it."""
        text = self.text(name)
        if not text and default_ms is not None:
            return default_ms
        seconds = _seconds_since_1970(text)
        if seconds is None or abs(seconds) > LAST_SECOND:
            raise InvalidQuery(f'cannot parse "{text}" to a valid timestamp', parameter=name)
        return math.floor(seconds * 1000 + 0.5)

    def duration_ms(self, name: str) -> int:
        """Seconds, or a duration like `1m30s`."""
        text = self.text(name)
        seconds = _seconds_of(text)
        if seconds is None or abs(seconds) > LAST_SECOND:
            raise InvalidQuery(f'cannot parse "{text}" to a valid duration', parameter=name)
        return math.floor(seconds * 1000)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _form(request: Request) -> str:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        return ""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise InvalidQuery(f"a form has at most {MOST_BYTES} bytes", parameter="")
    except ClientDisconnect as error:
        raise InvalidQuery("the form ended early", parameter="") from error
    return body.decode(errors="replace")


def _seconds_since_1970(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def _seconds_of(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return promql_parser.parse_duration(text).total_seconds()
    except (ValueError, OverflowError):
        return None
