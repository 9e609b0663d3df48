"""May this run now, and if not, why not: the arithmetic of guardrails. Pure; the caller counts.

Windows are written `always` or as one or more of `DAYS HH:MM-HH:MM [ZONE]`, joined by `;`. DAYS is
`daily` or a comma list of days and ranges (`mon-fri`, `sat,sun`); ZONE is an IANA name, UTC when
left out. The end is exclusive and may be `24:00`; a window whose end is not after its start runs
past midnight and belongs to the day it starts on.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AUTOMATIC_RISKS = frozenset({"low", "medium"})
_SPAN = re.compile(
    r"(?P<days>[a-z,-]+) (?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)(?: (?P<zone>[A-Za-z0-9_+/-]+))?"
)
_MIDNIGHT = time(0, 0)


@dataclass(frozen=True)
class _Span:
    days: frozenset[int]
    start: time
    end: time
    zone: ZoneInfo

    def contains(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        return any(
            day.weekday() in self.days and self.opens_on(day) <= at < self._closes_on(day)
            for day in (local.date(), local.date() - timedelta(days=1))
        )

    def opens_on(self, day: date) -> datetime:
        return datetime.combine(day, self.start, self.zone).astimezone(UTC)

    def _closes_on(self, day: date) -> datetime:
        last = day + timedelta(days=1) if self.end <= self.start else day
        return datetime.combine(last, self.end, self.zone).astimezone(UTC)

    def opens_after(self, at: datetime) -> datetime:
        today = at.astimezone(self.zone).date()
        days = (today + timedelta(days=ahead) for ahead in range(9))
        openings = (self.opens_on(day) for day in days if day.weekday() in self.days)
        return next(opening for opening in openings if opening > at)


@dataclass(frozen=True)
class Window:
    """When automation may act; no spans means always."""

    spans: tuple[_Span, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, in words for the author, when `text` is not of the grammar above."""
        if text.strip() == "always":
            return cls()
        return cls(tuple(_parse_span(part.strip()) for part in text.split(";")))

    def contains(self, at: datetime) -> bool:
        return not self.spans or any(span.contains(at) for span in self.spans)

    def opens_after(self, at: datetime) -> datetime:
        """The next opening after `at`, in the zone of its span; `at` itself when always open."""
        if not self.spans:
            return at
        opening, span = min(
            ((span.opens_after(at), span) for span in self.spans), key=lambda pair: pair[0]
        )
        return opening.astimezone(span.zone)


def _parse_span(text: str) -> _Span:
    matched = _SPAN.fullmatch(text)
    if matched is None:
        raise ValueError(
            f"The window {text!r} is neither 'always' nor like 'mon-fri 08:00-18:00 Europe/Berlin'."
        )
    return _Span(
        _parse_days(matched["days"]),
        _parse_time(matched["start"]),
        _MIDNIGHT if matched["end"] == "24:00" else _parse_time(matched["end"]),
        _parse_zone(matched["zone"] or "UTC"),
    )


def _parse_days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    return frozenset(day for part in text.split(",") for day in _parse_day_range(part))


def _parse_day_range(text: str) -> list[int]:
    first, dash, last = text.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError(f"{text!r} is not a day or a range of days; days are {', '.join(DAYS)}.")
    start = DAYS.index(first)
    length = (DAYS.index(last) - start) % 7 if dash else 0
    return [(start + ahead) % 7 for ahead in range(length + 1)]


def _parse_time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time of day from 00:00 to 23:59.") from error


def _parse_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone.") from error


@dataclass(frozen=True)
class Limits:
    """A runbook's guardrails, or a policy's where it states its own."""

    max_per_hour: int = 3
    cooldown_seconds: int = 300
    max_targets: int = 1
    window: Window = field(default_factory=Window)


@dataclass(frozen=True)
class Situation:
    """What the database and the clock say.

    `runs_last_hour` and `last_run_at` are of this runbook, by target; a missing target never ran.
    `pause_reason` is None while automation is not paused. `is_automatic` says that no person
    decided.
    """

    at: datetime
    targets: Sequence[str]
    risk: str
    runs_last_hour: Mapping[str, int] = field(default_factory=dict)
    last_run_at: Mapping[str, datetime] = field(default_factory=dict)
    pause_reason: str | None = None
    is_automatic: bool = False


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    reason: str


def check_limits(limits: Limits, now: Situation) -> list[Check]:
    """Every guardrail, passed or not, in the order they are shown."""
    return [
        _check_pause(now),
        _check_risk(now),
        _check_window(limits, now),
        _check_targets(limits, now),
        _check_cooldown(limits, now),
        _check_hourly(limits, now),
    ]


def all_passed(checks: Sequence[Check]) -> bool:
    return all(check.passed for check in checks)


def _check_pause(now: Situation) -> Check:
    if now.pause_reason is None:
        return Check("paused", passed=True, reason="Automation is not paused.")
    why = f": {now.pause_reason}" if now.pause_reason else ""
    return Check("paused", passed=False, reason=f"Automation is paused{why}.")


def _check_risk(now: Situation) -> Check:
    if not now.is_automatic:
        return Check("risk", passed=True, reason=f"A person decides about {now.risk} risk.")
    allowed = now.risk in AUTOMATIC_RISKS
    verb = "may" if allowed else "may not"
    return Check("risk", allowed, f"A policy {verb} run {now.risk} risk by itself.")


def _check_window(limits: Limits, now: Situation) -> Check:
    if limits.window.contains(now.at):
        reason = "Inside its window." if limits.window.spans else "May run at any time."
        return Check("window", passed=True, reason=reason)
    opens = limits.window.opens_after(now.at)
    return Check(
        "window", passed=False, reason=f"Closed until {opens:%a %d %b %H:%M} {opens.tzinfo}."
    )


def _check_targets(limits: Limits, now: Situation) -> Check:
    count = len(set(now.targets))
    reason = f"{_counted(count, 'target')}, at most {limits.max_targets} allowed."
    return Check("max_targets", count <= limits.max_targets, reason)


def _check_cooldown(limits: Limits, now: Situation) -> Check:
    ends = {
        target: now.last_run_at[target] + timedelta(seconds=limits.cooldown_seconds)
        for target in now.targets
        if target in now.last_run_at
    }
    target = max(ends, key=lambda each: ends[each], default=None)
    if target is None or ends[target] <= now.at:
        reason = f"No run in the last {_counted(limits.cooldown_seconds, 'second')}."
        return Check("cooldown_seconds", passed=True, reason=reason)
    left = -((now.at - ends[target]) // timedelta(seconds=1))
    reason = f"{target} cools down for {_counted(left, 'more second')}."
    return Check("cooldown_seconds", passed=False, reason=reason)


def _check_hourly(limits: Limits, now: Situation) -> Check:
    runs = {target: now.runs_last_hour.get(target, 0) for target in now.targets}
    most = max(runs.values(), default=0)
    over = [target for target, count in runs.items() if count >= limits.max_per_hour]
    of = f" of {', '.join(over)}" if over else ""
    reason = f"{_counted(most, 'run')}{of} in the last hour, at most {limits.max_per_hour} allowed."
    return Check("max_per_hour", not over, reason)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
