"""A person proposes a runbook for an incident: choose, fill in, see the exact plan, propose."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from automation import approval, planning
from automation.approval import HeldBack, PlanChanged
from automation.forms import ParametersForm
from automation.models import Remediation, Runbook
from automation.origins import values_of
from automation.plan import PlanRefused
from automation.planning import AlreadyPlanned
from automation.views import previews
from automation.views.asking import PersonRequest, key_of, sent_on
from automation.views.documents import readable
from incidents.models import Incident
from telemetry.access import requires

REFUSALS = (PlanRefused, AlreadyPlanned, HeldBack, PlanChanged)


@dataclass(frozen=True)
class Asked:
    """What the page is about; `replaced` is the plan whose parameters are edited."""

    incident: Incident
    runbook: Runbook | None
    replaced: Remediation | None


@require_http_methods(["GET", "POST"])
@requires("automation.add_remediation")
def propose(request: PersonRequest, number: int) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.select_related("service"), number=number)
    runbook = _runbook(request)
    asked = Asked(incident, runbook, _replaced(request, incident, runbook))
    form = _form(request, asked)
    is_sent = request.method == "POST" and "preview" not in request.POST
    if is_sent and form and form.is_valid():
        return _create(request, asked, form)
    return _page(request, asked, form)


def _create(request: PersonRequest, asked: Asked, form: ParametersForm) -> HttpResponse:
    try:
        remediation = _draft(asked, form, request.user)
    except REFUSALS as refused:
        return _page(request, asked, form, refusal=str(refused))
    url = reverse("remediation", args=[remediation.pk])
    if request.htmx or request.POST.get("next"):
        return sent_on(request, url, f"Proposed: {remediation.title}")
    return HttpResponseRedirect(url)


def _draft(asked: Asked, form: ParametersForm, person: User) -> Remediation:
    """A plan that is replaced ends in the same transaction, so that one stays undecided."""
    runbook = asked.runbook
    if runbook is None:
        raise PlanRefused({"runbook": "choose one"})
    candidate = planning.by_hand(runbook, person)
    made = planning.prepare(asked.incident, candidate, parameters=form.given(), by=person)
    with transaction.atomic():
        if asked.replaced:
            approval.replace(asked.replaced.pk, plan_hash=asked.replaced.plan_hash, by=person)
        return planning.submit(made)


def _page(
    request: PersonRequest, asked: Asked, form: ParametersForm | None, *, refusal: str = ""
) -> HttpResponse:
    preview = None
    is_filled = form is not None and form.is_bound and form.is_valid()
    if form and asked.runbook and (is_filled or not form.is_bound):
        parameters = form.given() if is_filled else _values(asked)
        preview = previews.for_incident(asked.runbook, asked.incident, parameters, request.user)
    context = {
        "incident": asked.incident,
        "runbook": asked.runbook,
        "replaced": asked.replaced,
        "runbooks": _choices(asked.incident),
        "form": form,
        "preview": preview,
        "refusal": refusal,
        "planned": _planned(asked),
    }
    is_wrong = refusal or (form is not None and form.is_bound and not form.is_valid())
    return render(request, "automation/propose.html", context, status=422 if is_wrong else 200)


def _choices(incident: Incident) -> list[tuple[Runbook, str]]:
    """Those that apply first, with why; the others by name."""
    fitting = {each.runbook.pk: each.why for each in planning.candidates(incident)}
    runbooks = Runbook.objects.filter(is_enabled=True, published__isnull=False)
    listed = [(runbook, fitting.get(runbook.pk, "")) for runbook in runbooks]
    return sorted(listed, key=lambda pair: (not pair[1], pair[0].name))


def _runbook(request: PersonRequest) -> Runbook | None:
    name = request.POST.get("runbook") or request.GET.get("runbook")
    if not name:
        return None
    runbooks = Runbook.objects.filter(is_enabled=True, published__isnull=False)
    return get_object_or_404(runbooks.select_related("published"), name=name)


def _replaced(
    request: PersonRequest, incident: Incident, runbook: Runbook | None
) -> Remediation | None:
    """Only a plan of the same runbook that nobody has approved yet can be replaced."""
    wanted = request.POST.get("replaces") or request.GET.get("replaces")
    if not wanted:
        return None
    plan = get_object_or_404(incident.remediations, pk=key_of(wanted), runbook=runbook)
    if rule := approval.rule_against_replacing(plan, request.user):
        raise PermissionDenied(rule)
    is_open = plan.status == Remediation.Status.PROPOSED and not plan.approvals.exists()
    return plan if is_open else None


def _planned(asked: Asked) -> Remediation | None:
    """The unfinished plan of the chosen runbook: only one may be under way."""
    if asked.runbook is None or asked.replaced:
        return None
    unfinished = asked.incident.remediations.filter(status__in=Remediation.UNFINISHED)
    return unfinished.filter(runbook=asked.runbook).first()


def _form(request: PersonRequest, asked: Asked) -> ParametersForm | None:
    document = readable(asked.runbook.published) if asked.runbook else None
    if document is None:
        return None
    return ParametersForm(
        document,
        request.POST if request.method == "POST" else None,
        initial=_values(asked),
        known=values_of(asked.incident),
    )


def _values(asked: Asked) -> dict[str, object]:
    return dict(asked.replaced.parameters) if asked.replaced else {}
