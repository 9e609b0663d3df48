"""From when until when a dashboard looks, and how finely."""

import re
from dataclasses import dataclass
from datetime import datetime

UNITS_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
MOST_STEPS = 240
LONGEST_MS = 400 * UNITS_MS["d"]
SCRAPED_EVERY_MS = 15_000
EARLIEST_MS = 365 * UNITS_MS["d"]
LATEST_MS = 230 * 365 * UNITS_MS["d"]
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200)
_RELATIVE = re.compile(r"now(?:-([0-9]{1,6})(s|m|h|d|w))?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,14}", re.ASCII)


class NoSuchTime(ValueError):
    """The message says what may be written."""


@dataclass(frozen=True, slots=True)
class Range:
    """`source` and `until` are as written: "now-1h", "now"."""

    start_ms: int
    end_ms: int
    source: str
    until: str

    @property
    def step_ms(self) -> int:
        """Whole and round, so that the same moments are asked for again and again."""
        least = (self.end_ms - self.start_ms) / MOST_STEPS
        return next((s * 1000 for s in _STEPS_S if s * 1000 >= least), UNITS_MS["d"])

    @property
    def is_live(self) -> bool:
        return self.until == "now"

    def durations(self) -> dict[str, str]:
        """What a query may say for a duration, as Grafana computes them.

        https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
        """
        step, length = self.step_ms, self.end_ms - self.start_ms
        rate = max(step + SCRAPED_EVERY_MS, 4 * SCRAPED_EVERY_MS)
        return {
            "__interval": f"{step}ms",
            "__interval_ms": str(step),
            "__rate_interval": f"{rate}ms",
            "__range": f"{length // 1000}s",
            "__range_s": str(length // 1000),
            "__range_ms": str(length),
            "__from": str(self.start_ms),
            "__to": str(self.end_ms),
        }


def read(source: str, until: str, *, now_ms: int) -> Range:
    """Each end is "now", "now-6h", RFC 3339 or milliseconds since 1970. Raises NoSuchTime."""
    start, end = _moment(source, now_ms), _moment(until, now_ms)
    if not start < end:
        raise NoSuchTime("The start must be before the end.")
    if end - start > LONGEST_MS:
        raise NoSuchTime("A dashboard looks back 400 days at most.")
    return Range(start, end, source, until)


def _moment(text: str, now_ms: int) -> int:
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return now_ms - int(relative[1] or 0) * UNITS_MS[relative[2] or "s"]
    moment = int(text) if _DIGITS.fullmatch(text) else _written(text)
    if not EARLIEST_MS <= moment <= LATEST_MS:
        raise NoSuchTime("That is too far away.")
    return moment


def _written(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoSuchTime(
            'Write a time as "now-6h", "2026-11-22T12:00:00Z" or in milliseconds since 1970.'
        ) from error
    if moment.tzinfo is None:
        raise NoSuchTime("Write the time's zone too, such as Z for UTC.")
    return int(moment.timestamp() * 1000)
