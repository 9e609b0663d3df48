"""The steps of the analysis as the page shows them: their state, what they found and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from incidents import belief
from incidents.belief import Cause
from incidents.models import AnalysisStep, CauseLabel, Incident

State = AnalysisStep.State
TITLES = {
    "enrichment": "Signals around the onset",
    "root_cause": "Probable cause",
    "classification": "Kind of trouble",
    "severity": "How grave",
    "impact": "Who is reached",
    "similarity": "Similar incidents",
    "recommendation": "Known fixes",
}
_WORDS = {
    State.PENDING: ("pending", "queued"),
    State.RUNNING: ("running", "running"),
    State.DONE: ("succeeded", "done"),
    State.NOT_ENOUGH_DATA: ("skipped", "not enough data"),
    State.FAILED: ("failed", "failed"),
    State.TIMED_OUT: ("failed", "timed out"),
}
_ICONS = {
    "metric": "pulse",
    "alert": "bell",
    "topology": "map",
    "incident": "siren",
    "article": "book",
    "log": "lines",
    "trace": "trace",
    "change": "deploy",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """One observation; `offset` is "-4:00" before the onset, or empty."""

    offset: str
    icon: str
    text: str
    is_against: bool
    url: str
    link: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """`label` is what a person said of it, if anybody did."""

    rank: int
    service: str
    title: str
    confidence: float
    proofs: list[Proof]
    label: CauseLabel | None


@dataclass(frozen=True, slots=True)
class StepView:
    name: str
    title: str
    state: str
    words: str
    summary: str
    confidence: float | None
    proofs: list[Proof]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """`found` holds the results of the steps that are done, by name."""

    steps: list[StepView]
    found: dict[str, dict[str, Any]]
    candidates: list[Candidate]
    used: str
    finished_at: datetime | None
    by_name: dict[str, StepView] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return sum(step.state in ("pending", "running") for step in self.steps)

    @property
    def position(self) -> int:
        return len(self.steps) - self.left + 1


def read_analysis(incident: Incident) -> Analysis:
    rows = list(incident.analysis_steps.all())
    found = {row.name: row.result for row in rows if row.result}
    steps = [_view(row) for row in rows]
    labels = incident.cause_labels.standing().select_related("by")
    ended = [row.finished_at for row in rows if row.finished_at]
    return Analysis(
        steps=steps,
        found=found,
        candidates=_candidates(belief.weigh(found.get("root_cause", {}), labels)),
        used=_used(found.get("root_cause", {})),
        finished_at=max(ended, default=None),
        by_name={step.name: step for step in steps},
    )


def as_offset(seconds: int | None) -> str:
    """For example "-4:00" or "+0:20", hours as "-2 h", with a true minus."""
    if seconds is None:
        return ""
    sign = "\N{MINUS SIGN}" if seconds < 0 else "+"
    minutes, rest = divmod(abs(seconds), 60)
    return f"{sign}{minutes}:{rest:02d}" if minutes < 600 else f"{sign}{minutes // 60} h"


def _view(row: AnalysisStep) -> StepView:
    state, words = _WORDS[State(row.state)]
    took = (row.finished_at - row.started_at) if row.finished_at and row.started_at else None
    return StepView(
        name=row.name,
        title=TITLES.get(row.name, row.name.replace("_", " ").capitalize()),
        state=state,
        words=words,
        summary=row.summary,
        confidence=row.confidence,
        proofs=list(_proofs(row.evidence)),
        seconds=took.total_seconds() if took and took.total_seconds() >= 0 else None,
    )


def _candidates(causes: Iterable[Cause]) -> list[Candidate]:
    return [
        Candidate(
            rank=rank,
            service=cause.service,
            title=cause.found["title"],
            confidence=cause.found["confidence"],
            proofs=list(_proofs(cause.found["evidence"])),
            label=cause.label,
        )
        for rank, cause in enumerate(causes, start=1)
    ]


def _proofs(evidence: Iterable[dict[str, Any]]) -> Iterable[Proof]:
    for each in evidence:
        url, link = _link(each)
        yield Proof(
            offset=as_offset(each.get("at_offset_seconds")),
            icon="minus" if each["against"] else _ICONS.get(each["kind"], "info"),
            text=each["text"],
            is_against=each["against"],
            url=url,
            link=link,
        )


def _link(evidence: dict[str, Any]) -> tuple[str, str]:
    """Senders write URLs; only http and https are followed."""
    said = str(evidence.get("url", ""))
    if _is_web(said):
        return said, "Source"
    if evidence["kind"] == "change" and said.startswith("/services/"):
        return said, "Change"
    places = {"metric": ("#signals", "Charts"), "alert": ("#alerts", "Alerts")}
    places |= dict.fromkeys(("log", "trace"), ("#signals", "Errors"))
    return places.get(evidence["kind"], ("", ""))


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _used(result: dict[str, Any]) -> str:
    used, missing = result.get("used", []), result.get("missing", [])
    words = f"{', '.join(used).capitalize()} used" if used else ""
    return f"{words}; {', '.join(missing)} missing" if missing else words
