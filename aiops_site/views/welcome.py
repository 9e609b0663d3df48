from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from aiops_site import first_steps
from aiops_site.models import DismissedSteps
from incidents.latest import latest_of
from incidents.views.sources import form_for
from telemetry.access import requires


@require_GET
@requires("incidents.view_integration")
def welcome(request: HttpRequest) -> HttpResponse:
    """The first steps; each is done when the data says so."""
    steps = first_steps.read_steps()
    followed = steps.heard or steps.unheard
    context = {
        "steps": steps,
        "done": steps.done,
        "is_dismissed": DismissedSteps.objects.filter(person=request.user.pk).exists(),
        "followed": followed,
        "latest": latest_of(followed) if followed else None,
        **form_for(request, chosen=request.GET.get("provider", "")),
    }
    return render(request, "site/welcome.html", context)


@require_POST
@requires("incidents.view_integration")
def dismiss(request: HttpRequest) -> HttpResponse:
    """The header stops reminding this person; the page itself stays where it is."""
    person: User = request.user  # type: ignore[assignment]
    first_steps.dismiss(person)
    messages.success(request, "Dismissed. The first steps stay in the menu under your name.")
    return redirect("incidents")
