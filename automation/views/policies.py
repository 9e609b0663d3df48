"""Healing policies: what they did, how they are written, and what they would have matched."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from automation.forms import HealingPolicyForm, ParametersForm, read_matchers
from automation.matching import matching
from automation.models import HealingPolicy, PolicyDecision, Runbook
from automation.views.asking import PersonRequest, sent_on
from automation.views.documents import readable
from automation.views.library import RECENT
from automation.views.pausing import pausing
from incidents.models import Incident
from telemetry.access import requires

DECISIONS = 20
WEEK = timedelta(days=7)
LATEST = 5
UNSAVED = 422
Outcome = PolicyDecision.Outcome


@require_GET
@requires("automation.view_healingpolicy")
def policies(request: PersonRequest) -> HttpResponse:
    since = timezone.now() - RECENT
    counts = {
        outcome.value: Count(
            "decisions", filter=Q(decisions__outcome=outcome, decisions__at__gte=since)
        )
        for outcome in Outcome
    }
    listed = HealingPolicy.objects.select_related("runbook").annotate(**counts).order_by("name")
    decisions = PolicyDecision.objects.select_related("policy", "incident", "remediation")
    context = {
        "policies": listed,
        "decisions": decisions[:DECISIONS],
        "may_add": request.user.has_perm("automation.add_healingpolicy"),
        **pausing(request.user),
    }
    return render(request, "automation/policies.html", context)


@require_http_methods(["GET", "POST"])
@requires("automation.add_healingpolicy")
def new(request: PersonRequest) -> HttpResponse:
    return _edit(request, HealingPolicy(mode=HealingPolicy.Mode.SUGGEST))


@require_http_methods(["GET", "POST"])
@requires("automation.view_healingpolicy")
def policy(request: PersonRequest, pk: int) -> HttpResponse:
    """Everybody may read it; saving needs the permission."""
    found = get_object_or_404(HealingPolicy.objects.select_related("runbook__published"), pk=pk)
    if request.method == "POST" and not request.user.has_perm("automation.change_healingpolicy"):
        raise PermissionDenied("Changing policies needs the role editor.")
    return _edit(request, found)


@require_GET
@requires("automation.view_healingpolicy")
def matches(request: PersonRequest) -> HttpResponse:
    """How many incidents of the last seven days the typed matchers would have matched."""
    try:
        matchers = read_matchers(request.GET.get("matchers", ""))
    except ValidationError as error:
        return render(request, "automation/policy_matching.html", {"problem": error.messages[0]})
    return render(request, "automation/policy_matching.html", _last_week(matchers))


@require_GET
@requires("automation.view_healingpolicy")
def parameters(request: PersonRequest) -> HttpResponse:
    """The fields of the chosen runbook, for the form."""
    form = parameters_form(request.GET.get("runbook", ""), None, {})
    return render(request, "automation/policy_parameters.html", {"parameters_form": form})


def _edit(request: PersonRequest, policy: HealingPolicy) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None
    form = HealingPolicyForm(sent, instance=policy)
    name = sent.get("runbook", "") if sent else _runbook_name(policy)
    values = parameters_form(name, sent, policy.parameters)
    if sent and all([form.is_valid(), values is None or values.is_valid()]):
        saved = _save(form, values, request.user)
        if saved:
            return sent_on(request, reverse("policies"), f"Saved {saved.name} v{saved.version}.")
        form.add_error(None, "Somebody else saved it meanwhile. Open it again.")
    context = _context(request, policy, form, values)
    return render(request, "automation/policy.html", context, status=UNSAVED if sent else 200)


def _context(
    request: PersonRequest,
    policy: HealingPolicy,
    form: HealingPolicyForm,
    values: ParametersForm | None,
) -> dict[str, Any]:
    kept = HealingPolicy.objects.filter(pk=policy.pk).first()
    matchers = kept.matchers if kept else []
    decisions = (
        PolicyDecision.objects.filter(policy=kept) if kept else PolicyDecision.objects.none()
    )
    verb = "change" if kept else "add"
    return {
        "policy": kept,
        "form": form,
        "parameters_form": values,
        **(_last_week(matchers) if matchers else {}),
        "decisions": decisions.select_related("incident", "remediation", "policy")[:DECISIONS],
        "may_save": request.user.has_perm(f"automation.{verb}_healingpolicy"),
        **pausing(request.user),
    }


@transaction.atomic
def _save(
    form: HealingPolicyForm, values: ParametersForm | None, person: User
) -> HealingPolicy | None:
    """A new version of the policy; None when another person was faster."""
    policy: HealingPolicy = form.save(commit=False)
    if policy.pk:
        unchanged = HealingPolicy.objects.filter(pk=policy.pk, version=policy.version)
        if not unchanged.update(version=policy.version + 1):
            return None
        policy.version += 1
    else:
        policy.created_by = person
    policy.matchers = form.cleaned_data["matchers"]
    policy.parameters = values.given() if values else {}
    policy.save()
    return policy


def _last_week(texts: list[str]) -> dict[str, Any]:
    found = matching(texts, timezone.now() - WEEK)
    return {"found": found, "latest": Incident.objects.filter(pk__in=found.numbers[:LATEST])}


def _runbook_name(policy: HealingPolicy) -> str:
    return policy.runbook.name if policy.runbook_id else ""


def parameters_form(name: str, sent: Any, parameters: dict[str, Any]) -> ParametersForm | None:
    """None while no runbook is chosen, or when it cannot be read."""
    runbook = Runbook.objects.select_related("published").filter(name=name).first()
    document = readable(runbook.published) if runbook else None
    if document is None:
        return None
    return ParametersForm(document, sent, initial=parameters, may_wait=True)
