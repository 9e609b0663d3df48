"""A deed on all that match a search, not only on the page: counted, confirmed, then followed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from incidents import bulk, tasks
from incidents.models import BulkDeed, Incident
from incidents.query_tokens import QuerySyntaxError
from incidents.views import deeds
from incidents.views.asking import person
from incidents.views.bulk_answer import refuse
from incidents.views.deeds import UnknownDeed
from incidents.views.following import followed, progress_of
from incidents.views.language import read
from telemetry.access import requires

ASKED = ("q", "newest", "assignee", "seconds", "until", "severity", "reason", "text")
QUESTIONS = {
    "acknowledge": "Acknowledge all {}?",
    "assign": "Assign all {}?",
    "snooze": "Snooze all {}?",
    "severity": "Change the severity of all {}?",
    "resolve": "Resolve all {}?",
    "comment": "Add the note to all {}?",
}


@require_GET
@requires("incidents.respond_incident")
def matching(request: HttpRequest) -> HttpResponse:
    """How many match, and the button that selects them all."""
    query = request.GET.get("q", "")
    try:
        numbers = _numbers(query, person(request))
    except QuerySyntaxError as error:
        words = format_html('<span class="note">{}</span>', error.message)
        return HttpResponse(words, status=400)
    context = {"query": query, "newest": max(numbers, default=0), **_count(numbers)}
    return render(request, "incidents/_matching.html", context)


def on_matching(request: HttpRequest, verb: str, form: QueryDict) -> HttpResponse:
    """Asks first; when that was answered, puts the deed down for the worker. `UnknownDeed`."""
    by = person(request)
    given = _given(verb, form, by)
    numbers = _wanted(form, by)
    if "confirmed" not in form:
        return _confirm(request, verb, form, numbers)
    deed = bulk.order(verb, numbers, given=given, query=form.get("q", "")[:512], by=by)
    tasks.carry_out_bulk.delay_on_commit(deed.pk)
    return _follow(request)


@require_GET
@requires("incidents.respond_incident")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Of one's own; the end is told aloud."""
    deed = get_object_or_404(BulkDeed.objects.select_related("by"), pk=pk, by=person(request))
    shown = progress_of(deed)
    response = render(request, "incidents/_progress.html", {"progress": shown})
    if deed.finished_at:
        level = "error" if deed.stopped_because else "success"
        toast = {"text": f"{shown.words}.", "level": level}
        response.headers["HX-Trigger"] = json.dumps({"toast": toast})
    return response


@require_POST
@requires("incidents.respond_incident")
def undo_matching(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        deed = bulk.order_undo(pk, by=person(request))
    except bulk.CannotUndo as error:
        return refuse(request, str(error))
    tasks.carry_out_bulk.delay_on_commit(deed.pk)
    return _follow(request)


def _follow(request: HttpRequest) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect("incidents")
    context = {"followed": followed(request)}
    response = render(request, "incidents/_followed.html", context)
    response.headers["HX-Trigger"] = '{"list:done": null}'
    return response


def _confirm(request: HttpRequest, verb: str, form: QueryDict, numbers: list[int]) -> HttpResponse:
    asked = {name: form[name] for name in ASKED if name in form}
    count = _count(numbers)
    context = {
        "question": QUESTIONS[verb].format(f"{count['count']} incidents"),
        "hidden": {**asked, "verb": verb, "scope": "matching", "confirmed": "yes"},
        "query": form.get("q", ""),
        "is_undoable": verb in deeds.UNDOABLE,
        **count,
    }
    return render(request, "incidents/_confirm.html", context)


def _wanted(form: QueryDict, by: User) -> list[int]:
    """None that was opened after the person looked. Raises `UnknownDeed`."""
    said = form.get("newest", "")
    if not (said.isascii() and said.isdecimal() and len(said) < 19):
        raise UnknownDeed("Select all that match once more.")
    try:
        numbers = _numbers(form.get("q", ""), by, newest=int(said))
    except QuerySyntaxError as error:
        raise UnknownDeed(error.message) from error
    if not numbers:
        raise UnknownDeed("No incident matches any more.")
    if len(numbers) > bulk.MOST:
        raise UnknownDeed(f"More than {bulk.MOST:,} match; narrow the search.")
    return numbers


def _numbers(query: str, by: User, *, newest: int | None = None) -> list[int]:
    """In order, and one more than the most that can be done at once."""
    found = Incident.objects.filter(read(query, by).where)
    if newest is not None:
        found = found.filter(number__lte=newest)
    return list(found.order_by("number").values_list("number", flat=True)[: bulk.MOST + 1])


def _count(numbers: list[int]) -> dict[str, Any]:
    is_too_many = len(numbers) > bulk.MOST
    return {"count": f"{min(len(numbers), bulk.MOST):,}", "is_too_many": is_too_many}


def _given(verb: str, form: QueryDict, by: User) -> Mapping[str, Any]:
    """What the verb needs, as the row keeps it. Raises `UnknownDeed`."""
    if verb not in bulk.KINDS:
        raise UnknownDeed("This can be done to one page at a time only.")
    deeds.DEEDS[verb].make(form, by, [])
    return _GIVEN[verb](form, by)


def _assignee(form: QueryDict, by: User) -> Mapping[str, Any]:
    name = form.get("assignee", "me")
    return {"to": {"me": by.username, "none": None}.get(name, name)}


def _until(form: QueryDict, by: User) -> Mapping[str, Any]:
    until = deeds.snoozed_until(form)
    return {"until": until.isoformat() if until else None}


def _reason(form: QueryDict, by: User) -> Mapping[str, Any]:
    return {"reason": form.get("reason", "")[:500]}


_GIVEN: dict[str, Callable[[QueryDict, User], Mapping[str, Any]]] = {
    "acknowledge": lambda *_: {},
    "assign": _assignee,
    "snooze": _until,
    "severity": lambda form, by: {"to": form["severity"], **_reason(form, by)},
    "resolve": _reason,
    "comment": lambda form, _: {"text": deeds.note_of(form)},
}
