"""What the query box offers while a search is typed."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents import search_suggestions
from incidents.completion import Typed, typed_at
from incidents.query_tokens import MAX_QUERY_LENGTH
from incidents.search_languages import INCIDENTS
from incidents.search_suggestions import Suggestion
from incidents.views.query_text import quoted
from telemetry.access import requires


@dataclass(frozen=True, slots=True)
class Option:
    """`insert` is written instead of the text around the caret: `cut` before it, `tail` after."""

    text: str
    hint: str
    insert: str


@require_GET
@requires("incidents.view_incident")
def suggest(request: HttpRequest) -> HttpResponse:
    """`before` and `after` are the text on both sides of the caret.

    The names of all fields are given only to somebody who asks for them, by `all`.
    """
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    if len(before) + len(after) > MAX_QUERY_LENGTH:
        return HttpResponse(status=204)
    typed = typed_at(before, after)
    if typed is None or not (typed.field or typed.text or "all" in request.GET):
        return HttpResponse(status=204)
    found = search_suggestions.suggest(typed, INCIDENTS)
    options = [Option(each.text, each.hint, _written(each, typed)) for each in found]
    if not options:
        return HttpResponse(status=204)
    return render(request, "incidents/_suggestions.html", {"options": options, "typed": typed})


def _written(suggestion: Suggestion, typed: Typed) -> str:
    if not typed.field:
        return f"{suggestion.text}:"
    if suggestion.text.startswith(">"):
        return f"{suggestion.text} "
    value = quoted(suggestion.text)
    return value if typed.is_listed else f"{value} "
