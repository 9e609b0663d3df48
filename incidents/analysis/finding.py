"""What a step of the analysis hands back: what it found, and why it believes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

EvidenceKind = Literal[
    "metric", "alert", "topology", "incident", "article", "log", "trace", "change"
]
KeptKind = Literal["metrics", "logs", "traces", "changes", "topology"]

CONFIRMED = 1.0  # by a person; the analysis alone is never that sure
LIKELY = 0.70
POSSIBLE = 0.40


class NotEnoughData(Exception):
    """There is nothing to look at. The message tells a reader what is missing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation. The offset counts seconds from the incident's onset, before it negative."""

    kind: EvidenceKind
    text: str
    at_offset_seconds: int | None = None
    against: bool = False
    url: str = ""

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "kind": self.kind,
            "at_offset_seconds": self.at_offset_seconds,
            "text": self.text,
            "against": self.against,
        }
        return said | {"url": self.url} if self.url else said


@dataclass(frozen=True, slots=True)
class Kept:
    """What was looked at, to outlive its source. `content` is plain JSON."""

    kind: KeptKind
    title: str
    content: dict[str, Any]
    source: str = "builtin"
    question: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """`result` is plain JSON; `incident_fields` are written to the incident with the finding, and
    what is `kept` beside it.

    `confidence` is between 0 and 1, or None where nothing is believed, only measured.
    """

    summary: str
    result: dict[str, Any]
    evidence: Sequence[Evidence] = ()
    confidence: float | None = None
    incident_fields: dict[str, Any] = field(default_factory=dict)
    kept: Sequence[Kept] = ()


def confidence_words(confidence: float) -> str:
    """For example "Likely 0.78", and "Confirmed" of what a person has."""
    if confidence >= CONFIRMED:
        return "Confirmed"
    word = "Unlikely"
    if confidence >= POSSIBLE:
        word = "Likely" if confidence >= LIKELY else "Possible"
    return f"{word} {confidence:.2f}"
