"""What every sender's word about a change is translated into. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ChangeKind = Literal["deploy", "config", "flag", "scale", "restart", "other"]
ChangeStatus = Literal["running", "succeeded", "failed"]

KINDS: tuple[ChangeKind, ...] = ("deploy", "config", "flag", "scale", "restart", "other")
STATUSES: tuple[ChangeStatus, ...] = ("running", "succeeded", "failed")


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One sender's word about something done to a service, in the sender's own times.

    `key` is the sender's own identity of the change; when it is empty, what it says identifies it.
    `service` is as the sender wrote it, or empty. `url` is http(s) or empty.
    """

    title: str
    kind: ChangeKind = "other"
    status: ChangeStatus = "succeeded"
    service: str = ""
    key: str = ""
    version: str = ""
    commit: str = ""
    author: str = ""
    environment: str = ""
    url: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
