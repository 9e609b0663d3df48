"""The switch that keeps all automation from acting."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from automation import switch
from automation.models import AutomationSwitch
from automation.views.asking import PersonRequest, sent_on
from telemetry.access import requires


def pausing(person: User) -> dict[str, Any]:
    """What automation/pause.html asks for."""
    paused = AutomationSwitch.objects.select_related("by").filter(is_paused=True)
    return {
        "switch": paused.first(),
        "may_pause": person.has_perm("automation.pause_automation"),
        "may_resume": person.has_perm("automation.resume_automation"),
    }


@require_POST
@requires("automation.pause_automation")
def pause(request: PersonRequest) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return sent_on(request, reverse("policies"), "Nothing was paused: say why.")
    switch.pause(by=request.user, reason=reason)
    return sent_on(request, reverse("policies"), "All automation is paused.")


@require_POST
@requires("automation.resume_automation")
def resume(request: PersonRequest) -> HttpResponse:
    switch.resume(by=request.user)
    return sent_on(request, reverse("policies"), "Automation may act again.")
