"""The analysis of an incident, step by step. A row a step; a step that fails never stops the next.

A step is claimed by a conditional update, with a lease and a fence: a worker that was killed or
frozen loses its step to another one, and what it writes afterwards is refused.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from incidents import lifecycle
from incidents.analysis import (
    case,
    classification,
    enrichment,
    impact,
    recommendation,
    root_cause,
    severity,
    similarity,
    snapshots,
)
from incidents.analysis.finding import Finding, NotEnoughData
from incidents.analysis.time_limit import TookTooLong, time_limit
from incidents.models import AnalysisStep, Incident
from incidents.signals import analysis_finished

logger = logging.getLogger(__name__)

State = AnalysisStep.State
UNFINISHED = (State.PENDING, State.RUNNING)
ACTOR = "analysis"


@dataclass(frozen=True, slots=True)
class Step:
    """`look` finds something or raises `NotEnoughData`; it writes nothing."""

    name: str
    look: Callable[[Incident], Finding]
    time_limit_seconds: int


STEPS = [
    Step("enrichment", enrichment.look, 20),
    Step("root_cause", root_cause.look, 10),
    Step("classification", classification.look, 10),
    Step("severity", severity.look, 5),
    Step("impact", impact.look, 10),
    Step("similarity", similarity.look, 25),
    Step("recommendation", recommendation.look, 10),
]
MOST_ATTEMPTS = 2
MARGIN = timedelta(seconds=10)
DUE = timedelta(seconds=20)
LEAST_APART = timedelta(minutes=1)
RECENT = timedelta(minutes=10)
MOST_RUNG = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    state: State
    finding: Finding


def begin(number: int) -> None:
    """Puts the steps down as pending; those that are there already stay as they are."""
    due = timezone.now() + DUE
    AnalysisStep.objects.bulk_create(
        (
            AnalysisStep(
                incident_id=number,
                name=step.name,
                position=position,
                time_limit_seconds=step.time_limit_seconds,
                lease_until=due,
            )
            for position, step in enumerate(STEPS)
        ),
        ignore_conflicts=True,
    )


def run_next(number: int) -> bool:
    """Runs the next step nobody holds; says whether another one is left to be run now."""
    step = _claim(number)
    if step is None:
        return False
    outcome = _give_up(step) if step.attempts > MOST_ATTEMPTS else _look(step)
    return _finish(step, outcome)


def sweep(at: datetime) -> list[int]:
    """Incidents whose analysis waits for a bell that was lost, or has to be done again."""
    overdue = AnalysisStep.objects.filter(state__in=UNFINISHED, lease_until__lt=at)
    numbers = overdue.order_by("incident").values_list("incident", flat=True)
    waiting = list(numbers.distinct()[:MOST_RUNG])
    for number in (fresh := _never_begun(at)):
        begin(number)
    grown = [number for number in _recently_changed(at) if reanalyse(number)]
    return list(dict.fromkeys([*waiting, *fresh, *grown]))


def reanalyse(number: int) -> bool:
    """Starts again when there are alerts, or services touched, the last look did not know.

    Not within a minute of the last start, and not while steps are left: false, and the sweep comes
    back to it. What was found stays to be read until it is replaced.
    """
    if not _wants_another_look(Incident.objects.get(number=number)):
        return False
    with transaction.atomic():
        incident = lifecycle.locked(number)
        if not _wants_another_look(incident):
            return False
        incident.analysis_steps.update(
            state=State.PENDING,
            attempts=0,
            fence=F("fence") + 1,
            lease_until=timezone.now() + DUE,
        )
    return True


@transaction.atomic
def run_again(number: int) -> bool:
    """Queues every step; what was found stays until it is replaced. False while some are left."""
    incident = lifecycle.locked(number)
    steps = incident.analysis_steps
    if steps.filter(state__in=(State.PENDING, State.RUNNING)).exists():
        return False
    due = timezone.now() + DUE
    steps.update(state=State.PENDING, attempts=0, fence=F("fence") + 1, lease_until=due)
    begin(number)
    return True


def believe(incident: Incident) -> None:
    """The incident says what is believed of its cause now. The caller holds its lock.

    Not what the step found: a person may have judged it meanwhile.
    """
    _write(incident, root_cause.believed_fields(incident))


def _wants_another_look(incident: Incident) -> bool:
    """The severity step always looks, so it remembers what there was."""
    since = timezone.now() - LEAST_APART
    busy = incident.analysis_steps.filter(Q(state__in=UNFINISHED) | Q(started_at__gt=since))
    seen = case.found_by(incident, "severity").get("symptoms")
    if seen is None or busy.exists():
        return False
    return not set(case.symptoms(incident)) <= set(seen)


def _never_begun(at: datetime) -> list[int]:
    """Opened a while ago, but whoever was to begin its analysis went away before."""
    steps = AnalysisStep.objects.filter(incident=OuterRef("pk"))
    forgotten = Incident.objects.active().filter(~Exists(steps), opened_at__lt=at - DUE)
    return list(forgotten.values_list("number", flat=True)[:MOST_RUNG])


def _recently_changed(at: datetime) -> list[int]:
    """With alerts that were linked after the last look."""
    changed = Incident.objects.active().filter(
        last_activity_at__gt=at - RECENT,
        analysis_steps__name="severity",
        analysis_steps__started_at__lt=F("links__linked_at"),
    )
    return list(changed.values_list("number", flat=True).distinct()[:MOST_RUNG])


def _claim(number: int) -> AnalysisStep | None:
    now = timezone.now()
    step = AnalysisStep.objects.filter(incident=number, state__in=UNFINISHED).first()
    if step is None or _is_held(step, now):
        return None
    claimed = AnalysisStep.objects.filter(pk=step.pk, fence=step.fence, state=step.state).update(
        state=State.RUNNING,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        started_at=now,
        lease_until=now + timedelta(seconds=step.time_limit_seconds) + MARGIN,
    )
    if not claimed:
        return None
    step.fence, step.attempts = step.fence + 1, step.attempts + 1
    return step


def _is_held(step: AnalysisStep, at: datetime) -> bool:
    is_leased = step.lease_until is not None and step.lease_until > at
    return step.state == State.RUNNING and is_leased


def _give_up(step: AnalysisStep) -> Outcome:
    text = f"The worker was lost {MOST_ATTEMPTS} times during this step; it is left out."
    return Outcome(State.TIMED_OUT, Finding(text, {}))


def _look(step: AnalysisStep) -> Outcome:
    incident = Incident.objects.select_related("service").get(number=step.incident_id)
    try:
        with time_limit(step.time_limit_seconds):
            return Outcome(State.DONE, _look_of(step.name)(incident))
    except NotEnoughData as missing:
        return Outcome(State.NOT_ENOUGH_DATA, Finding(str(missing), {}))
    except TookTooLong:
        _drop_interrupted_connection()
        text = f"Not done within {step.time_limit_seconds} s."
        return Outcome(State.TIMED_OUT, Finding(text, {}))
    except Exception as error:  # whatever is wrong with one step, the next ones are still wanted
        logger.exception("analysis step %s of incident %s failed", step.name, step.incident_id)
        text = f"Failed: {type(error).__name__}: {str(error)[:200]}"
        return Outcome(State.FAILED, Finding(text, {}))


def _look_of(name: str) -> Callable[[Incident], Finding]:
    return {step.name: step.look for step in STEPS}[name]


def _drop_interrupted_connection() -> None:
    """A query that was interrupted may have left its connection waiting for the answer."""
    if not connection.in_atomic_block:
        connection.close()


@transaction.atomic
def _finish(step: AnalysisStep, outcome: Outcome) -> bool:
    incident = lifecycle.locked(step.incident_id)
    finding = outcome.finding
    kept = AnalysisStep.objects.filter(pk=step.pk, fence=step.fence, state=State.RUNNING).update(
        state=outcome.state,
        lease_until=None,
        finished_at=timezone.now(),
        summary=finding.summary,
        result=finding.result,
        evidence=[evidence.as_json() for evidence in finding.evidence],
        confidence=finding.confidence,
    )
    if not kept:
        return False
    snapshots.save(incident, step.name, finding.kept)
    if step.name == "root_cause":
        believe(incident)
    else:
        _write(incident, finding.incident_fields)
    if (step.summary, step.confidence) != (finding.summary, finding.confidence):
        _tell(incident, step.name, outcome)
    is_left = incident.analysis_steps.filter(state__in=UNFINISHED).exists()
    if not is_left:
        said = partial(analysis_finished.send, sender=Incident, number=incident.number)
        transaction.on_commit(said)
    return is_left


def _write(incident: Incident, fields: dict[str, Any]) -> None:
    changed = [name for name, value in fields.items() if getattr(incident, name) != value]
    for name in changed:
        setattr(incident, name, fields[name])
    if changed:
        incident.save(update_fields=changed)
        lifecycle.announce(incident, ACTOR)


def _tell(incident: Incident, name: str, outcome: Outcome) -> None:
    lifecycle.record(
        incident,
        "analysis",
        outcome.finding.summary,
        actor=ACTOR,
        payload={
            "step": name,
            "state": str(outcome.state),
            "confidence": outcome.finding.confidence,
        },
    )
