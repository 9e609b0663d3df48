from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from aiops_site.first_steps import read_steps
from incidents.latest import latest_of
from incidents.views.sources import form_for
from telemetry.access import requires

COOKIE, DISMISSED = "welcome", "dismissed"


@require_GET
@requires("incidents.view_integration")
def welcome(request: HttpRequest) -> HttpResponse:
    """The first steps; each is done when the data says so."""
    steps = read_steps()
    followed = steps.heard or steps.unheard
    context = {
        "steps": steps,
        "done": steps.done,
        "followed": followed,
        "latest": latest_of(followed) if followed else None,
        **form_for(request, chosen=request.GET.get("provider", "")),
    }
    return render(request, "site/welcome.html", context)


@require_POST
@requires("incidents.view_integration")
def dismiss(request: HttpRequest) -> HttpResponse:
    """Remembered by this browser; the page itself stays where it is."""
    response = redirect("incidents")
    response.set_cookie(
        COOKIE,
        DISMISSED,
        max_age=timedelta(days=365),
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response
