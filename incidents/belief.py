"""What is believed of the probable causes: a person's word first, then the analysis' order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from incidents.models import CauseLabel, Incident

Verdict = CauseLabel.Verdict


@dataclass(frozen=True, slots=True)
class Cause:
    """A candidate as the analysis found it, and what a person said of it, if anybody did."""

    found: dict[str, Any]
    label: CauseLabel | None = None

    @property
    def service(self) -> str:
        return str(self.found["service"])

    @property
    def is_confirmed(self) -> bool:
        return self.label is not None and self.label.verdict == Verdict.CONFIRMED

    @property
    def is_rejected(self) -> bool:
        return self.label is not None and self.label.verdict == Verdict.REJECTED


def causes_of(incident: Incident) -> list[Cause]:
    """The most believed first; what a person ruled out comes last."""
    step = incident.analysis_steps.filter(name="root_cause").first()
    return weigh(step.result if step else {}, incident.cause_labels.standing().select_related("by"))


def believed(causes: Iterable[Cause]) -> Cause | None:
    """The confirmed one, else the likeliest that nobody ruled out."""
    return next((cause for cause in causes if not cause.is_rejected), None)


def weigh(result: dict[str, Any], labels: Iterable[CauseLabel]) -> list[Cause]:
    """`result` is that of the step root_cause. What a person confirmed stays, though another look
    may not find it again."""
    said = {label.service: label for label in labels}
    candidates = result.get("candidates", [])
    causes = [Cause(found, said.get(found["service"])) for found in candidates]
    known = {cause.service for cause in causes}
    causes += [
        Cause(label.candidate, label) for label in said.values() if label.service not in known
    ]
    return sorted(causes, key=lambda cause: (not cause.is_confirmed, cause.is_rejected))
