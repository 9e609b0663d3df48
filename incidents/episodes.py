"""An alert's state, folded from its events in whatever order they are delivered.

Senders retry, run in pairs and keep wrong clocks, so no event may be judged by when it is
processed. Only maxima are kept, and a maximum does not depend on order:

- the newest start any firing claimed, and the end up to which resolves cover such starts,
  both in the sender's own clock, which need not agree with ours;
- when a firing without a start, and when a resolve without times, was last received.

An alert fires while a firing is left that no resolve covers.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from incidents.event import SEVERITIES, AlertEvent, AlertStatus, Severity

Change = Literal["opened", "refired", "repeated", "resolved", "late", "none"]

FLAPPING_WINDOW = timedelta(minutes=10)
FLAPPING_STARTS = 6
FURTHEST_FUTURE = timedelta(hours=24)
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
LONGEST_RETRY = timedelta(minutes=15)

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class AlertState:
    """``starts_at`` and ``ends_at`` are as the sender said, or else when we heard of it.

    ``recent_starts`` are the receipts of the last six episodes, oldest first. The fields below
    ``severity`` are the fold's own memory.
    """

    status: AlertStatus
    starts_at: datetime
    ends_at: datetime | None
    last_received_at: datetime
    event_count: int = 0
    episode_count: int = 0
    recent_starts: tuple[datetime, ...] = ()
    severity: Severity = "medium"
    severity_received_at: datetime | None = None
    fired_at: datetime | None = None
    fired_received_at: datetime | None = None
    timeless_fired_at: datetime | None = None
    covered_before: datetime | None = None
    bare_resolve_at: datetime | None = None
    any_resolve_at: datetime | None = None

    def is_flapping(self, at: datetime) -> bool:
        """Whether more than five episodes began in the ten minutes before ``at``."""
        since = at - FLAPPING_WINDOW
        return sum(start > since for start in self.recent_starts) >= FLAPPING_STARTS

    def as_json(self) -> dict[str, Any]:
        """Plain JSON with RFC 3339 times, which ``from_json`` reads back."""
        return {f.name: _as_json(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**{f.name: _from_json(f.name, stored[f.name]) for f in fields(cls)})


def apply(
    state: AlertState | None, event: AlertEvent, received_at: datetime
) -> tuple[AlertState, Change]:
    """The state after ``event``, which was received at ``received_at`` (aware), and what changed.

    ``late`` is an event about an episode that a newer one, or its end, has overtaken; ``none``
    is a resolve of what was resolved. Of two events without times received at one moment, the
    resolve counts as the later one. Every event counts once each time it is given here.
    Acknowledgements are about the incident, not the alert's state: callers leave them out.
    """
    times = _trusted_times(event, received_at)
    marked = _marked(state or _unknown(times), times)
    status: AlertStatus = "firing" if _is_firing(marked) else "resolved"
    change = _change(state, times.status, status)
    counted = _counted(replace(marked, status=status), change, received_at)
    return _graded(_timed(counted, times, change), event, received_at), change


@dataclass(frozen=True, slots=True)
class _Times:
    status: AlertStatus
    starts_at: datetime | None
    ends_at: datetime | None
    received_at: datetime

    @property
    def covers_before(self) -> datetime | None:
        """Starts before this moment of the sender's clock are over; its own start always is."""
        if self.starts_at is None:
            return self.ends_at and self.ends_at + _TICK
        return max(self.starts_at + _TICK, self.ends_at or self.starts_at)


def _trusted_times(event: AlertEvent, received_at: datetime) -> _Times:
    """Times of clocks that were never set, or run over a day ahead, count as not given."""
    starts_at, ends_at = (_trusted(t, received_at) for t in (event.starts_at, event.ends_at))
    return _Times(event.status, starts_at, ends_at, received_at)


def _trusted(sent: datetime | None, received_at: datetime) -> datetime | None:
    if sent is None:
        return None
    aware = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
    return aware if EARLIEST <= aware <= received_at + FURTHEST_FUTURE else None


def _unknown(times: _Times) -> AlertState:
    begins_at = times.starts_at or times.ends_at or times.received_at
    return AlertState("resolved", begins_at, ends_at=None, last_received_at=times.received_at)


def _marked(state: AlertState, times: _Times) -> AlertState:
    if times.status == "resolved":
        return _marked_by_resolve(state, times)
    if times.starts_at is None:
        newest = _latest(state.timeless_fired_at, times.received_at)
        return replace(state, timeless_fired_at=newest)
    heard_at = _heard_at(times.starts_at, times.received_at)
    if (
        state.fired_at is None
        or state.fired_received_at is None
        or times.starts_at > state.fired_at
    ):
        return replace(state, fired_at=times.starts_at, fired_received_at=heard_at)
    if times.starts_at == state.fired_at:
        return replace(state, fired_received_at=min(heard_at, state.fired_received_at))
    return state


def _heard_at(starts_at: datetime, received_at: datetime) -> datetime:
    """When we could have known: a start shortly before the receipt may have been held up."""
    was_held_up = received_at - LONGEST_RETRY <= starts_at <= received_at
    return starts_at if was_held_up else received_at


def _marked_by_resolve(state: AlertState, times: _Times) -> AlertState:
    any_resolve_at = _latest(state.any_resolve_at, times.received_at)
    if times.covers_before is None:
        bare_resolve_at = _latest(state.bare_resolve_at, times.received_at)
        return replace(state, any_resolve_at=any_resolve_at, bare_resolve_at=bare_resolve_at)
    covered_before = _latest(state.covered_before, times.covers_before)
    return replace(state, any_resolve_at=any_resolve_at, covered_before=covered_before)


def _latest(known: datetime | None, other: datetime) -> datetime:
    return other if known is None else max(known, other)


def _is_firing(state: AlertState) -> bool:
    return _is_dated_firing_left(state) or _is_after(state.timeless_fired_at, state.any_resolve_at)


def _is_dated_firing_left(state: AlertState) -> bool:
    if state.fired_at is None:
        return False
    is_over = state.covered_before is not None and state.fired_at < state.covered_before
    return not is_over and _is_after(state.fired_received_at, state.bare_resolve_at)


def _is_after(fired_at: datetime | None, resolved_at: datetime | None) -> bool:
    return fired_at is not None and (resolved_at is None or fired_at > resolved_at)


def _change(before: AlertState | None, sent: AlertStatus, status: AlertStatus) -> Change:
    if before is None:
        return "opened" if status == "firing" else "resolved"
    if sent != status:
        return "late"
    if sent == "firing":
        return "repeated" if before.status == "firing" else "refired"
    return "resolved" if before.status == "firing" else "none"


def _counted(state: AlertState, change: Change, received_at: datetime) -> AlertState:
    begins = change in {"opened", "refired"}
    is_known_by_its_end = state.episode_count == 0
    starts = sorted((*state.recent_starts, received_at)) if begins else state.recent_starts
    return replace(
        state,
        last_received_at=max(state.last_received_at, received_at),
        event_count=state.event_count + 1,
        episode_count=state.episode_count + (begins or is_known_by_its_end),
        recent_starts=tuple(starts[-FLAPPING_STARTS:]),
    )


def _timed(state: AlertState, times: _Times, change: Change) -> AlertState:
    if change in {"opened", "refired"}:
        return replace(state, starts_at=times.starts_at or times.received_at, ends_at=None)
    if times.status == "firing":
        return state
    if state.status == "firing":
        return _restarted(state)
    starts_at = max(state.starts_at, times.starts_at or state.starts_at)
    ends_at = _latest(state.ends_at, times.ends_at or times.received_at)
    return replace(state, starts_at=starts_at, ends_at=max(starts_at, ends_at))


def _restarted(state: AlertState) -> AlertState:
    """A late resolve showed that the episode on display had ended and another is firing."""
    if state.fired_at and state.covered_before and state.starts_at < state.covered_before:
        return replace(state, starts_at=max(state.starts_at, state.fired_at))
    return state


def _graded(state: AlertState, event: AlertEvent, received_at: datetime) -> AlertState:
    """The latest firing decides the severity; of two at one moment, the worse one."""
    if event.status == "resolved":
        is_first_word = state.event_count == 1
        return replace(state, severity=event.severity) if is_first_word else state
    if state.severity_received_at and received_at < state.severity_received_at:
        return state
    severity = event.severity
    if received_at == state.severity_received_at:
        severity = min(severity, state.severity, key=SEVERITIES.index)
    return replace(state, severity=severity, severity_received_at=received_at)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value


def _from_json(name: str, value: Any) -> Any:
    if name == "recent_starts":
        return tuple(datetime.fromisoformat(item) for item in value)
    is_moment = isinstance(value, str) and name not in {"status", "severity"}
    return datetime.fromisoformat(value) if is_moment else value
