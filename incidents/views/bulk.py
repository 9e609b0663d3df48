"""Deeds on the incidents that are ticked, and taking them back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from incidents.models import Severity
from incidents.views import deeds, outcome
from incidents.views.asking import back_of, person
from incidents.views.deeds import UnknownDeed
from incidents.views.list import people
from incidents.views.outcome import CannotUndo, Outcome
from telemetry.access import requires

MOST_AT_ONCE = 200


@require_POST
@requires("incidents.respond_incident")
def bulk(request: HttpRequest) -> HttpResponse:
    """`number` as often as there are incidents; `verb`, which may carry a value ("snooze:1800")."""
    verb, _, value = request.POST.get("verb", "").partition(":")
    form = request.POST.copy()
    if value:
        form[_CARRIES.get(verb, "value")] = value
    numbers = _numbers(request)
    if not numbers:
        return _answer(request, Outcome(verb), refusal="Nothing is selected.", status=409)
    try:
        result = deeds.do(verb, numbers, form, person(request))
    except UnknownDeed as error:
        return _answer(request, Outcome(verb), refusal=str(error), status=409)
    return _answer(request, result)


@require_POST
@requires("incidents.respond_incident")
def undo(request: HttpRequest, token: str) -> HttpResponse:
    try:
        result = outcome.take_back(token, by=person(request))
    except CannotUndo as error:
        return _answer(request, Outcome("undo"), refusal=str(error), status=409)
    if back := back_of(request):
        return redirect(back)
    return _answer(request, result)


_CARRIES = {"snooze": "seconds", "assign": "assignee", "severity": "severity"}


def _answer(
    request: HttpRequest, result: Outcome, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "outcome": result,
        "refusal": refusal,
        "people": people(),
        "severities": Severity.values,
    }
    if not request.headers.get("HX-Request"):
        return render(request, "incidents/outcome.html", context, status=status)
    response = render(request, "incidents/_outcome.html", context, status=status)
    if not refusal:
        response.headers["HX-Trigger"] = '{"list:done": null}'
    return response


def _numbers(request: HttpRequest) -> list[int]:
    said = [text for text in request.POST.getlist("number") if text.isascii() and text.isdecimal()]
    return list(dict.fromkeys(int(text[:18]) for text in said))[:MOST_AT_ONCE]
