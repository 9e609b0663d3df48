"""The switch that keeps all automation from acting."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from automation import switch
from automation.views.asking import PersonRequest, sent_on
from telemetry.access import requires


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
