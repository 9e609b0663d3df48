"""Searches that people keep, for themselves or for all."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from incidents.forms import SavedViewForm
from incidents.models import SavedView
from incidents.views import tabs
from incidents.views.asking import person
from telemetry.access import requires


@require_POST
@requires("incidents.view_savedview")
def save_view(request: HttpRequest) -> HttpResponse:
    """Under a name of one's own that is taken, the search is replaced."""
    form = SavedViewForm(request.POST)
    query = request.POST.get("query", "")
    if not form.is_valid() or not tabs.is_readable(query, request.user):
        words = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(request, " ".join(words) or "This search cannot be read.")
        return redirect("incidents")
    kept = {"query": form.cleaned_data["query"], "is_shared": form.cleaned_data["is_shared"]}
    SavedView.objects.update_or_create(
        owner=person(request), name=form.cleaned_data["name"], defaults=kept
    )
    return redirect(tabs.url_of(form.cleaned_data["query"]))


@require_POST
@requires("incidents.view_savedview")
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Only one's own; somebody else's is not there."""
    get_object_or_404(SavedView, pk=pk, owner=request.user.pk).delete()
    return redirect("incidents")
