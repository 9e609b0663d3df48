"""The list of incidents: what to work on, decided in ten seconds."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.models import Incident, Severity
from incidents.query_tokens import QuerySyntaxError
from incidents.search_languages import INCIDENTS
from incidents.views import facets, tabs
from incidents.views.asking import may_respond
from incidents.views.columns import columns_of
from incidents.views.facts import read_facts, read_pipe
from incidents.views.following import followed
from incidents.views.language import read
from incidents.views.pages import page_of
from incidents.views.query_text import Parts as QueryParts
from incidents.views.query_text import put_together, sort_by, take_apart
from incidents.views.rows import rows_of, with_people
from telemetry.access import requires

MOST_PEOPLE = 200
COUNTED_UP_TO = 1000
_INTO_ERROR = {
    "HX-Retarget": "#query-error",
    "HX-Reselect": "#query-error",
    "HX-Reswap": "outerHTML",
    "HX-Push-Url": "false",
}


@dataclass(frozen=True, slots=True)
class Sorting:
    """The column sorted by first; `descending` is the most first."""

    field: str
    direction: str


@require_GET
@requires("incidents.view_incident")
def incidents(request: HttpRequest) -> HttpResponse:
    """`?q=` is the whole state; a click on a filter or column head edits it and comes back."""
    query = request.GET.get("q", tabs.DEFAULT)
    edited = _edited(request, query)
    if edited is not None:
        return redirect(tabs.url_of(edited))
    try:
        context = _listing(request, query)
    except QuerySyntaxError as error:
        return _refuse(request, query, error)
    part = "incidents/_list.html" if request.headers.get("HX-Request") else "incidents/list.html"
    return render(request, part, context)


@require_GET
@requires("incidents.view_incident")
def row(request: HttpRequest, number: int) -> HttpResponse:
    """One row as it stands, for a list that is on somebody's screen."""
    incident = get_object_or_404(with_people(Incident.objects.all()), number=number)
    context = {
        "row": rows_of([incident], timezone.now())[0],
        "columns": columns_of(request),
        "may_respond": may_respond(request),
    }
    return render(request, "incidents/_row.html", context)


@require_GET
@requires("incidents.view_incident")
def head(request: HttpRequest) -> HttpResponse:
    """The facts and the counts of the views, fetched again when something changed."""
    query = request.GET.get("q", tabs.DEFAULT)
    return render(request, "incidents/_head.html", _heading(request, query))


def people() -> list[User]:
    return list(User.objects.filter(is_active=True).order_by("username")[:MOST_PEOPLE])


def _edited(request: HttpRequest, query: str) -> str | None:
    if "filters" in request.GET:
        rest, sort = request.GET.get("rest", ""), request.GET.get("order", "")
        return facets.chosen_query(rest, sort, request.GET.getlist("f"))
    if request.GET.get("by") in INCIDENTS.columns:
        return sort_by(query, request.GET["by"])
    return None


def _listing(request: HttpRequest, query: str) -> dict[str, Any]:
    found = read(query, request.user)
    matching = Incident.objects.filter(found.where)
    page = page_of(with_people(matching), request, found.ordering)
    total = matching[: COUNTED_UP_TO + 1].count()
    shown = {
        "rows": rows_of(page.rows, timezone.now()),
        "page": page,
        "total": f"{COUNTED_UP_TO}+" if total > COUNTED_UP_TO else total,
        "sorting": _sorting(query),
        "facets": facets.facets_for(query, request.user),
        "parts": take_apart(query, facets.KINDS),
        "people": people(),
        "severities": Severity.values,
        "may_respond": may_respond(request),
        "own_query": urlencode({"q": query}),
        "columns": columns_of(request),
        "followed": followed(request),
    }
    empty = {} if page.rows else _emptiness(query, request.user)
    return {**_heading(request, query), **shown, **empty}


def _heading(request: HttpRequest, query: str) -> dict[str, Any]:
    shown = tabs.tabs_for(request.user, query)
    return {
        "facts": read_facts(timezone.now()),
        "tabs": shown,
        "current": next((tab for tab in shown if tab.is_current), None),
        "query": query,
        "head_values": json.dumps({"q": query}),
    }


def _emptiness(query: str, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """Nothing needs action, or nothing matches: then how many there are without the filters."""
    parts = take_apart(query, facets.KINDS)
    terms = [f"{name}:{value}" for name, values in parts.chosen.items() for value in values]
    without = put_together(QueryParts(""))
    return {
        "pipe": read_pipe(),
        "filters": [*terms, *([parts.rest] if parts.rest else [])],
        "without": Incident.objects.filter(read(without, user).where).count(),
        "is_default": query == tabs.DEFAULT,
    }


def _sorting(query: str) -> Sorting | None:
    first = take_apart(query, ()).sort.partition(":")[2].split(",")[0]
    if not first:
        return None
    direction = "descending" if first.startswith("-") else "ascending"
    return Sorting(first.removeprefix("-"), direction)


def _refuse(request: HttpRequest, query: str, error: QuerySyntaxError) -> HttpResponse:
    """The fragment under the box, and the list stays; without a script, the whole page."""
    context = {
        "query": query,
        "error": error,
        "before": query[: error.position],
        "after": query[error.position :],
    }
    if request.headers.get("HX-Request"):
        response = render(request, "incidents/_query_error.html", context, status=400)
        for name, value in _INTO_ERROR.items():
            response.headers[name] = value
        return response
    whole = {**_listing(request, tabs.DEFAULT), **context}
    return render(request, "incidents/list.html", whole, status=400)
