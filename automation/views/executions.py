"""A run: its page, stopping it, and saying what happened to a step nobody is sure of."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from automation import intervention
from automation.intervention import NotStoppable
from automation.models import Execution, Remediation, StepRun
from automation.views.asking import PersonRequest
from automation.views.cards import RELATED, Notice, card_of
from automation.views.remediations import answer, decided
from telemetry.access import requires

STOPS = {"stop": "Asked to stop after this step.", "kill": "Asked to kill it."}
VERDICTS = {
    "done": "Marked done; the run goes on.",
    "not_done": "Marked not done; the step is run again.",
    "give_up": "Given up.",
}


@require_GET
@requires("automation.view_execution")
def execution(request: PersonRequest, pk: int) -> HttpResponse:
    remediation = get_object_or_404(Remediation.objects.select_related(*RELATED), execution__pk=pk)
    decisions = remediation.approvals.select_related("by")
    context = {
        "card": card_of(remediation, request.user),
        "decisions": decisions,
        "wide": True,
        "next": request.path,
    }
    return render(request, "automation/execution.html", context)


@require_POST
@requires("automation.stop_execution")
def stop(request: PersonRequest, pk: int) -> HttpResponse:
    """`how` is stop, after the step that runs, or kill."""
    found = get_object_or_404(Execution, pk=pk)
    how = request.POST.get("how", "")
    if how not in STOPS:
        return answer(request, found.remediation_id, notice=Notice("Choose stop or kill."))
    try:
        intervention.request_stop(pk, how=how, by=request.user.username)
    except NotStoppable as refused:
        notice = Notice("It was not stopped.", str(refused))
        return answer(request, found.remediation_id, notice=notice)
    return decided(request, found.remediation_id, STOPS[how])


@require_POST
@requires("automation.approve_remediation")
def settle(request: PersonRequest, pk: int, step_id: int) -> HttpResponse:
    """A person looked; `verdict` is done, not_done or give_up."""
    step = get_object_or_404(StepRun.objects.select_related("execution"), pk=step_id, execution=pk)
    remediation_id = step.execution.remediation_id
    verdict = request.POST.get("verdict", "")
    if verdict not in VERDICTS:
        return answer(request, remediation_id, notice=Notice("Say what you found."))
    try:
        intervention.settle_unknown(step_id, verdict=verdict, by=request.user.username)
    except NotStoppable as refused:
        return answer(request, remediation_id, notice=Notice("Nothing changed.", str(refused)))
    return decided(request, remediation_id, VERDICTS[verdict])
