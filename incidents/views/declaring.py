"""The small form that opens an incident by hand."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from incidents import declaring
from incidents.forms import DeclareForm
from incidents.models import Severity
from incidents.views.asking import person
from telemetry.access import requires


@require_http_methods(["GET", "POST"])
@requires("incidents.respond_incident")
def declare(request: HttpRequest) -> HttpResponse:
    """A page of its own; for a list that has it in a dialog, the form alone."""
    form = DeclareForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _show(request, form)
    given = form.cleaned_data
    incident = declaring.declare(
        title=given["title"],
        severity=Severity(given["severity"]),
        service=given["service"],
        summary=given["summary"],
        by=person(request),
    )
    if not request.headers.get("HX-Request"):
        return redirect("incident", incident.number)
    to = reverse("incident", args=[incident.number])
    return HttpResponse(headers={"HX-Redirect": to})


def _show(request: HttpRequest, form: DeclareForm) -> HttpResponse:
    is_part = bool(request.headers.get("HX-Request"))
    part = "incidents/_declare.html" if is_part else "incidents/declare.html"
    return render(request, part, {"form": form}, status=422 if form.errors else 200)
