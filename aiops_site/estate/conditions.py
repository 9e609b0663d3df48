"""What is wrong with a service, judged from one look at it."""

from dataclasses import dataclass
from typing import Any, Literal

SLOW_SECONDS = 0.5
OWN_ERROR_SHARE = 0.15
ANY_ERROR_SHARE = 0.5
"""Errors passed on from a dependency weigh less: the service that made them is to be told first."""
UNREACHABLE_SHARE = 0.3
LEAST_REQUESTS = 8
MEMORY_BYTES = 56 * 1024 * 1024

Severity = Literal["critical", "high", "medium"]


@dataclass(frozen=True, slots=True)
class Probe:
    """One look: what the service reported of itself, or why it did not answer."""

    seconds: float
    report: dict[str, Any] | None
    failure: str = ""
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    alertname: str
    severity: Severity
    summary: str
    dependency: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.alertname, self.dependency


def judge(service: str, probe: Probe) -> list[Finding]:
    """Everything that is wrong; a service that does not answer says nothing else of itself."""
    if probe.report is None:
        return [Finding("ServiceDown", "critical", f"{service} does not answer: {probe.failure}")]
    findings = [
        *_slowness(service, probe.seconds),
        *_errors(service, probe.report["requests"], probe.report["own_errors"]),
        *_memory(service, probe.report["memory_bytes"]),
    ]
    for dependency, calls in sorted(probe.report["dependencies"].items()):
        findings += _unreachable(service, dependency, calls)
    return findings


def _slowness(service: str, seconds: float) -> list[Finding]:
    if seconds < SLOW_SECONDS:
        return []
    return [Finding("HighLatency", "high", f"{service} took {seconds:.2f} s to answer a probe")]


def _errors(
    service: str, requests: dict[str, float], own_errors: dict[str, float]
) -> list[Finding]:
    share, own_share = requests["failed_share"], own_errors["failed_share"]
    is_bad = own_share >= OWN_ERROR_SHARE or share >= ANY_ERROR_SHARE
    if requests["total"] < LEAST_REQUESTS or not is_bad:
        return []
    return [Finding("HighErrorRate", "high", f"{service} fails {share:.0%} of its requests")]


def _memory(service: str, resident: int) -> list[Finding]:
    if resident < MEMORY_BYTES:
        return []
    megabytes = resident / 1024 / 1024
    return [Finding("HighMemory", "medium", f"{service} uses {megabytes:.0f} MB")]


def _unreachable(service: str, dependency: str, calls: dict[str, float]) -> list[Finding]:
    if calls["total"] < LEAST_REQUESTS or calls["failed_share"] < UNREACHABLE_SHARE:
        return []
    summary = f"{service} cannot reach {dependency}"
    return [Finding("DependencyDown", "high", summary, dependency)]
