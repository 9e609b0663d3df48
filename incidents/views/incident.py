"""The page of one incident, what is done there, and its parts as they change."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from incidents import judging, pinning, tasks
from incidents import knowledge as knowledge_base
from incidents.analysis import pipeline
from incidents.lifecycle import InvalidTransition
from incidents.models import Incident, Severity, TimelineEntry
from incidents.views import deeds
from incidents.views.asking import may_respond, person
from incidents.views.deeds import UnknownDeed
from incidents.views.list import people
from incidents.views.outcome import Outcome
from incidents.views.sections import PARTS, Subject, draw_part, news
from telemetry.access import requires

MOST_ENTRIES = 300
FOUND = 8


@dataclass(frozen=True, slots=True)
class Log:
    """The newest entries, oldest first and the pinned ones before them, how many others there are
    before, and where the next come from. `pins` is each `seq` that is pinned."""

    entries: list[TimelineEntry]
    pins: set[int]
    earlier: int
    topic: str
    url: str


@require_GET
@requires("incidents.view_incident")
def incident(request: HttpRequest, number: int) -> HttpResponse:
    subject = _subject(request, number)
    one = subject.incident
    context = {
        "incident": one,
        "analysis": subject.analysis,
        "parts": {name: draw_part(name, subject) for name in PARTS},
        "log": _log(request, one),
        **_controls(request, one),
    }
    return render(request, "incidents/incident.html", context)


@require_GET
@requires("incidents.view_incident")
def section(request: HttpRequest, number: int, name: str) -> HttpResponse:
    """One part at its own address: whole without a script, else just the part."""
    if name not in PARTS:
        raise Http404(name)
    subject = _subject(request, number)
    context = {"incident": subject.incident, "part": draw_part(name, subject), "name": name}
    if request.headers.get("HX-Request"):
        return render(request, "incidents/_part.html", context)
    context |= _controls(request, subject.incident)
    return render(request, "incidents/section.html", context)


@require_GET
@requires("incidents.view_incident")
def timeline(request: HttpRequest, number: int) -> HttpResponse:
    one = _subject(request, number).incident
    context = {"incident": one, "log": _log(request, one), **_controls(request, one)}
    return render(request, "incidents/section.html", context)


@require_GET
@requires("incidents.view_incident")
def changes(request: HttpRequest, number: int) -> HttpResponse:
    """The parts that are no longer as the page has them, each to be put in its place."""
    subject = _subject(request, number)
    seen = {name: request.GET[f"seen-{name}"] for name in PARTS if f"seen-{name}" in request.GET}
    parts = news(subject, seen)
    if not parts:
        return HttpResponse(status=204)
    return render(request, "incidents/_changes.html", {"parts": parts})


@require_GET
@requires("incidents.view_knowledgearticle")
def search_knowledge(request: HttpRequest, number: int) -> HttpResponse:
    text = request.GET.get("q", "")[:300]
    found = knowledge_base.search(text, FOUND)
    context = {"incident": get_object_or_404(Incident, number=number), "text": text, "found": found}
    if request.headers.get("HX-Request"):
        return render(request, "incidents/_found.html", context)
    return redirect(f"{reverse('knowledge')}?{request.GET.urlencode()}")


@require_POST
@requires("incidents.respond_incident")
def act(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """One deed on one incident. Without a script it comes back to the page with a message."""
    get_object_or_404(Incident, number=number)
    try:
        result = deeds.do(verb, [number], request.POST, person(request))
    except UnknownDeed as error:
        return _answer(request, number, Outcome(verb), refusal=str(error))
    refusal = " ".join(why for _, why in result.refused)
    return _answer(request, number, result, refusal=refusal)


@require_POST
@requires("incidents.respond_incident")
def analyse_again(request: HttpRequest, number: int) -> HttpResponse:
    get_object_or_404(Incident, number=number)
    if pipeline.run_again(number):
        tasks.analyse.delay_on_commit(number)
    return _answer(request, number, Outcome("Looking again at", [number]))


@require_POST
@requires("incidents.respond_incident")
def judge(request: HttpRequest, number: int) -> HttpResponse:
    """`verdict` confirms the cause that is the trouble of `service`, or rules it out; empty takes
    back what was said of it."""
    get_object_or_404(Incident, number=number)
    form, told = request.POST, _JUDGED.get(request.POST.get("verdict", ""))
    if told is None:
        return _answer(request, number, Outcome("judge"), refusal="Say whether it was the cause.")
    verdict, reason = form.get("verdict") or None, form.get("reason", "").strip()
    service, by = form.get("service", ""), person(request)
    try:
        judging.judge(number, service, verdict=verdict, by=by, reason=reason)
    except InvalidTransition as error:
        return _answer(request, number, Outcome(told), refusal=str(error))
    tasks.analyse.delay_on_commit(number)
    return _answer(request, number, Outcome(told, [number]))


_JUDGED = {
    "confirmed": "Confirmed the cause of",
    "rejected": "Ruled out a cause of",
    "": "Took back what was said of",
}


def _answer(
    request: HttpRequest, number: int, result: Outcome, *, refusal: str = ""
) -> HttpResponse:
    """The parts that changed come along, so that the page is right even without a socket."""
    if not request.headers.get("HX-Request"):
        told = refusal or f"{result.verb} INC-{number}."
        (messages.error if refusal else messages.success)(request, told)
        return redirect("incident", number)
    subject = _subject(request, number)
    names = [name for name in PARTS if f"seen-{name}" in request.POST]
    parts = news(subject, {name: request.POST[f"seen-{name}"] for name in names})
    context = {"incident": subject.incident, "outcome": result, "refusal": refusal, "parts": parts}
    return render(request, "incidents/_answer.html", context, status=409 if refusal else 200)


def _subject(request: HttpRequest, number: int) -> Subject:
    found = Incident.objects.select_related("service", "assignee", "merged_into")
    return Subject(get_object_or_404(found, number=number), request)


def _log(request: HttpRequest, one: Incident) -> Log:
    newest = one.timeline.order_by("-seq")
    entries = list(newest if "all" in request.GET else newest[:MOST_ENTRIES])[::-1]
    first = entries[0].seq if entries else 1
    pins = pinning.pins_of(one)
    pinned = list(one.timeline.filter(seq__in=pins, seq__lt=first).order_by("seq"))
    return Log(
        entries=pinned + entries,
        pins=pins,
        earlier=first - 1 - len(pinned),
        topic=f"incident:{one.number}",
        url=reverse("api:incident-timeline", args=[one.number]),
    )


def _controls(request: HttpRequest, one: Incident) -> dict[str, Any]:
    return {
        "may_respond": may_respond(request),
        "people": people() if may_respond(request) else [],
        "severities": Severity.values,
    }
