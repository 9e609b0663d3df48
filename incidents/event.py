"""What every sender's message is translated into: one event about one alert."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]
AlertStatus = Literal["firing", "resolved"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One sender's word about one alert, in the sender's own times.

    ``key`` is the sender's own identity of the alert; when it is empty the labels identify it.
    ``url`` is http(s) or empty. A bare resolve or acknowledgement may know no more than ``key``:
    then ``name`` repeats it, so intake takes name, labels and severity from firing events only.
    """

    name: str
    status: AlertStatus
    severity: Severity = "medium"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    key: str = ""
    url: str = ""
    summary: str = ""
    acknowledged: bool = False
