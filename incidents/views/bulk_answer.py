"""What a deed on several incidents came to, as the page shows it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from incidents.models import Severity
from incidents.views.list import people
from incidents.views.outcome import Outcome


def answer(request: HttpRequest, result: Outcome) -> HttpResponse:
    response = _draw(request, {"outcome": result})
    if request.headers.get("HX-Request"):
        response.headers["HX-Trigger"] = '{"list:done": null}'
    return response


def refuse(request: HttpRequest, why: str) -> HttpResponse:
    return _draw(request, {"refusal": why}, status=409)


def _draw(request: HttpRequest, shown: dict[str, object], *, status: int = 200) -> HttpResponse:
    is_part = request.headers.get("HX-Request")
    part = "incidents/_outcome.html" if is_part else "incidents/outcome.html"
    context = {**shown, "people": people(), "severities": Severity.values}
    return render(request, part, context, status=status)
