"""Deeds on the incidents that are ticked, and taking them back."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from incidents.views import deeds, outcome
from incidents.views.asking import back_of, person
from incidents.views.bulk_answer import answer, refuse
from incidents.views.bulk_matching import on_matching
from incidents.views.deeds import UnknownDeed
from incidents.views.outcome import CannotUndo
from telemetry.access import requires

MOST_AT_ONCE = 200


@require_POST
@requires("incidents.respond_incident")
def bulk(request: HttpRequest) -> HttpResponse:
    """`number` as often as there are incidents; `verb`, which may carry a value ("snooze:1800",
    "snooze-until:2026-11-23T09:00Z").

    With `scope=matching` it is all that match the search instead.
    """
    verb, _, value = request.POST.get("verb", "").partition(":")
    form = request.POST.copy()
    if value:
        verb, field = _CARRIES.get(verb, (verb, "value"))
        form[field] = value
    try:
        if form.get("scope") == "matching":
            return on_matching(request, verb, form)
        return _on_chosen(request, verb, form)
    except UnknownDeed as error:
        return refuse(request, str(error))


@require_POST
@requires("incidents.respond_incident")
def undo(request: HttpRequest, token: str) -> HttpResponse:
    try:
        result = outcome.take_back(token, by=person(request))
    except CannotUndo as error:
        return refuse(request, str(error))
    if back := back_of(request):
        return redirect(back)
    return answer(request, result)


_CARRIES = {
    "snooze": ("snooze", "seconds"),
    "snooze-until": ("snooze", "until"),
    "assign": ("assign", "assignee"),
    "severity": ("severity", "severity"),
}


def _on_chosen(request: HttpRequest, verb: str, form: QueryDict) -> HttpResponse:
    numbers = numbers_of(form)
    if not numbers:
        return refuse(request, "Nothing is selected.")
    return answer(request, deeds.do(verb, numbers, form, person(request)))


def numbers_of(form: QueryDict) -> list[int]:
    said = [text for text in form.getlist("number") if text.isascii() and text.isdecimal()]
    return list(dict.fromkeys(int(text[:18]) for text in said))[:MOST_AT_ONCE]
