"""Who calls whom, with what is known of the calls, as maps and lists show it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from telemetry.calls import CallEdge
from telemetry.models import Dependency, TopologyVersion
from telemetry.topology_versions import edges_of
from telemetry.units import format_value

ERRING = 0.05
BUCKETS = (10.0, 100.0, 1_000.0)
MOST = 20_000


class ServiceEdge(NamedTuple):
    """By slugs. What is not measured is None."""

    caller: str
    callee: str
    origin: str
    calls_per_minute: float | None = None
    error_share: float | None = None
    p95_ms: float | None = None

    @property
    def is_bad(self) -> bool:
        return bool(self.calls_per_minute and (self.error_share or 0) >= ERRING)

    @property
    def weight(self) -> int:
        """0 without traffic, else 1 to 4 by powers of ten of the calls a minute."""
        rate = self.calls_per_minute or 0.0
        return 0 if rate == 0 else 1 + sum(rate >= bucket for bucket in BUCKETS)

    @property
    def label(self) -> str:
        """What is told beside its line: the share that fails, if that is much, or else the rate."""
        if not self.calls_per_minute:
            return ""
        rate = f"{format_value(self.calls_per_minute, '')}/min"
        return f"{format_value(100 * (self.error_share or 0.0), '%')} fail" if self.is_bad else rate

    @property
    def words(self) -> str:
        """For example "120 calls a minute, 2 % fail, p95 80 ms"."""
        if not self.calls_per_minute:
            return "not measured" if self.calls_per_minute is None else "no calls seen lately"
        rate = f"{format_value(self.calls_per_minute, '')} calls a minute"
        errors = f"{format_value(100 * (self.error_share or 0.0), '%')} fail"
        p95 = [] if self.p95_ms is None else [f"p95 {format_value(self.p95_ms, 'ms')}"]
        return ", ".join([rate, errors, *p95])


def edges_now() -> list[ServiceEdge]:
    rows = Dependency.objects.order_by("pk").values_list(
        *("caller__slug", "callee__slug", "origin", "calls_per_minute", "error_share"),
        "p95_ms",
    )
    return [ServiceEdge(*row) for row in rows[:MOST]]


def edges_at(version: TopologyVersion) -> list[ServiceEdge]:
    minutes = (version.ended_at - version.began_at) / timedelta(minutes=1)
    return [_of_call_edge(edge, minutes) for edge in edges_of(version)]


def together(caller: str, callee: str, edges: Iterable[ServiceEdge]) -> ServiceEdge:
    """Many edges as one; durations do not add up and are left out."""
    found = list(edges)
    if len(found) == 1:
        return found[0]._replace(caller=caller, callee=callee)
    rate = sum(edge.calls_per_minute or 0.0 for edge in found)
    failed = sum((edge.calls_per_minute or 0.0) * (edge.error_share or 0.0) for edge in found)
    share = failed / rate if rate else None
    return ServiceEdge(caller, callee, found[0].origin, rate, share)


def _of_call_edge(edge: CallEdge, minutes: float) -> ServiceEdge:
    return ServiceEdge(
        edge.caller.name,
        edge.callee.name,
        Dependency.Origin.OBSERVED,
        edge.calls / minutes,
        edge.errors / edge.calls if edge.calls else None,
        edge.p95_ms,
    )
