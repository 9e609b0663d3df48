"""A remediation's card: shown, kept fresh, approved and rejected."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from automation import approval
from automation.approval import HeldBack, MayNot, PlanChanged
from automation.models import Remediation
from automation.views.asking import PersonRequest, key_of, sent_on, toasted
from automation.views.cards import RELATED, Notice, card_of
from automation.views.region import region_of
from incidents.models import Incident
from telemetry.access import requires

UNCHANGED = 204


@require_GET
@requires("automation.view_remediation")
def of_incident(request: PersonRequest, number: int) -> HttpResponse:
    """The part of the incident page; 204 while it is still as `seen` and `rest` say."""
    incident = get_object_or_404(Incident.objects.select_related("service"), number=number)
    region = region_of(incident, request.user, chosen=key_of(request.GET.get("plan")))
    drawn = (request.GET.get("seen", ""), request.GET.get("rest"))
    if drawn == (region.card.digest if region.card else "", region.rest):
        return HttpResponse(status=UNCHANGED)
    template = "automation/region.html" if request.htmx else "automation/of_incident.html"
    return render(request, template, {"region": region})


@require_GET
@requires("automation.view_remediation")
def remediation(request: PersonRequest, pk: int) -> HttpResponse:
    """Its own page, or the card alone for htmx; 204 while it is still as `seen` says."""
    card = card_of(_load(pk), request.user)
    if request.GET.get("seen") == card.digest:
        return HttpResponse(status=UNCHANGED)
    return answer(request, pk)


@require_POST
@requires("automation.approve_remediation")
def approve(request: PersonRequest, pk: int) -> HttpResponse:
    """One yes to exactly the plan whose hash is sent; 409 with the card as it is now if not."""
    try:
        _demand_confirmed(_load(pk), request)
        remediation = approval.approve(
            pk,
            plan_hash=request.POST.get("plan_hash", ""),
            by=request.user,
            reason=request.POST.get("reason", ""),
            is_break_glass=request.POST.get("is_break_glass") == "yes",
        )
    except PlanChanged as changed:
        title = "The plan changed since you opened it."
        notice = Notice(title, "Nothing was run.", _told(changed, _load(pk)))
        return answer(request, pk, notice=notice)
    except (MayNot, HeldBack) as refused:
        return answer(request, pk, notice=Notice("Nothing was run.", str(refused)))
    return decided(request, pk, f"Approved: {remediation.title}")


@require_POST
@requires("automation.approve_remediation")
def reject(request: PersonRequest, pk: int) -> HttpResponse:
    _load(pk)
    form = request.POST
    try:
        remediation = approval.reject(
            pk, plan_hash=form.get("plan_hash", ""), by=request.user, reason=form.get("reason", "")
        )
    except PlanChanged:
        notice = Notice("The plan changed since you opened it.", "It was not rejected.")
        return answer(request, pk, notice=notice)
    except (MayNot, HeldBack) as refused:
        return answer(request, pk, notice=Notice("It was not rejected.", str(refused)))
    return decided(request, pk, f"Rejected: {remediation.title}")


def answer(request: PersonRequest, pk: int, *, notice: Notice | None = None) -> HttpResponse:
    """The card, alone or on its page; 409 with a notice that says why nothing was done."""
    context = {
        "card": card_of(_load(pk), request.user),
        "notice": notice,
        "wide": not request.htmx or "wide" in request.GET,
        "is_answer": request.method == "POST",
        "show_incident": "wide" in request.GET,
        "next": request.POST.get("next", ""),
    }
    template = "partials/plan.html" if request.htmx else "automation/remediation.html"
    return render(request, template, context, status=409 if notice else 200)


def decided(request: PersonRequest, pk: int, text: str) -> HttpResponse:
    if request.htmx:
        return toasted(answer(request, pk), text)
    return sent_on(request, reverse("remediation", args=[pk]), text)


def _load(pk: int) -> Remediation:
    return get_object_or_404(Remediation.objects.select_related(*RELATED), pk=pk)


def _demand_confirmed(remediation: Remediation, request: HttpRequest) -> None:
    """At a high risk the target is typed; the page asks for it, and here it is made sure."""
    if remediation.risk not in approval.TWO_PEOPLE:
        return
    target = remediation.plan["targets"][0]
    if request.POST.get("confirm", "").strip() != target:
        raise MayNot(f"Type {target} to confirm the target.")


def _told(changed: PlanChanged, remediation: Remediation) -> list[str]:
    """The difference as a person reads it: a version by its number, not by its hash."""
    lines = [line for line in changed.difference if not line.startswith("version.")]
    if len(lines) < len(changed.difference):
        version = remediation.version
        lines.append(f"The runbook is now v{version.number}: {version.reason or 'no reason given'}")
    return lines
