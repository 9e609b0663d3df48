"""An execution as its card and its page show it: steps with their output, and what is watched."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User

from automation.models import Execution, OutputLine, StepRun
from automation.views.plan_words import note_of, request_text
from incidents.models import Alert

LINES = 200
State = Execution.State
Step = StepRun.State
ICONS = {
    Step.PENDING: "open",
    Step.RUNNING: "play",
    Step.SUCCEEDED: "resolved",
    Step.FAILED: "critical",
    Step.SKIPPED: "minus",
    Step.UNKNOWN: "help",
    Step.ROLLED_BACK: "undo",
}


@dataclass(frozen=True)
class StepPart:
    run: StepRun
    icon: str
    command: str
    note: str
    output: str
    seconds: float | None


@dataclass(frozen=True)
class RunPart:
    """`last_seq` is up to where `steps` hold the output; the page reads on from there."""

    execution: Execution
    last_seq: int
    steps: list[StepPart]
    watched: list[Alert]
    may_stop: bool
    may_settle: bool

    @property
    def unknown(self) -> StepPart | None:
        """The step of which nobody knows whether it happened, while a person has to say so."""
        if self.execution.state != State.UNKNOWN:
            return None
        return next((step for step in self.steps if step.run.state == Step.UNKNOWN), None)

    @property
    def is_under_way(self) -> bool:
        return self.execution.state in Execution.UNFINISHED

    @property
    def took(self) -> timedelta | None:
        begun, ended = self.execution.started_at, self.execution.finished_at
        return ended - begun if begun and ended else None


def part_of(execution: Execution, person: User) -> RunPart:
    output = _output(execution)
    is_stoppable = execution.state in (State.PENDING, State.RUNNING)
    return RunPart(
        execution=execution,
        last_seq=execution.last_seq,
        steps=[_step(run, output.get(run.pk, [])) for run in _shown(execution)],
        watched=_watched(execution),
        may_stop=is_stoppable and person.has_perm("automation.stop_execution"),
        may_settle=person.has_perm("automation.approve_remediation"),
    )


def _shown(execution: Execution) -> list[StepRun]:
    """The way back is listed once it is gone."""
    runs = list(execution.steps.all())
    has_begun = any(run.is_rollback and run.state != Step.PENDING for run in runs)
    is_going = execution.state == State.ROLLED_BACK or (has_begun and _was_needed(runs))
    return [run for run in runs if is_going or not run.is_rollback]


def _was_needed(runs: list[StepRun]) -> bool:
    return any(run.is_rollback and run.state != Step.SKIPPED for run in runs)


def _step(run: StepRun, lines: list[str]) -> StepPart:
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    return StepPart(
        run=run,
        icon=ICONS[Step(run.state)],
        command=request_text(run.step),
        note=note_of(run.step),
        output="".join(f"{line}\n" for line in lines[-LINES:]),
        seconds=took.total_seconds() if took else None,
    )


def _output(execution: Execution) -> dict[int | None, list[str]]:
    lines = OutputLine.objects.filter(
        execution=execution, kind=OutputLine.Kind.OUTPUT, seq__lte=execution.last_seq
    )
    newest = lines.order_by("-seq").values_list("step_id", "text")[: 5 * LINES]
    by_step: dict[int | None, list[str]] = defaultdict(list)
    for step_id, text in reversed(newest):
        by_step[step_id].append(text)
    return by_step


def _watched(execution: Execution) -> list[Alert]:
    known = execution.verification.get("alerts", [])
    return list(Alert.objects.filter(pk__in=known).select_related("service").order_by("name"))
