"""What kind of change it is and how it went, in whatever words a sender uses."""

import re

from telemetry.change_event import ChangeKind, ChangeStatus

_KINDS: tuple[tuple[ChangeKind, re.Pattern[str]], ...] = (
    ("flag", re.compile(r"\b(feature|flags?|toggles?|experiments?)\b")),
    (
        "deploy",
        re.compile(r"\b(deploy\w*|releas\w+|roll(ed|s|ing)? ?(out|back)\w*|ship(ped|s)?)\b"),
    ),
    ("config", re.compile(r"\b(config\w*|settings?|secrets?|certificates?|migrations?)\b")),
    ("scale", re.compile(r"\b(scal(e|ed|es|ing)|autoscal\w*|replicas?|resiz\w+)\b")),
    ("restart", re.compile(r"\b(restart\w*|reboot\w*|reload\w*)\b")),
)
_STATUSES: dict[ChangeStatus, str] = {
    "running": "running started start in_progress progressing pending queued begun created waiting",
    "succeeded": "succeeded success successful passed ok completed complete done finished healthy",
    "failed": "failed failure error errored cancelled canceled timed_out aborted rolled_back",
}
_STATUS_OF = {word: status for status, words in _STATUSES.items() for word in words.split()}


def change_kind(words: str) -> ChangeKind:
    """By the first kind whose words occur; `other` where none do."""
    plain = words[:2000].lower().replace("_", " ").replace("-", " ")
    return next((kind for kind, pattern in _KINDS if pattern.search(plain)), "other")


def change_status(word: str, *, otherwise: ChangeStatus = "succeeded") -> ChangeStatus:
    """Whoever does not say how it went tells about something that has been done."""
    return _STATUS_OF.get(word.strip().lower().replace("-", "_").replace(" ", "_"), otherwise)
