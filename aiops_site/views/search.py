"""Searching the whole console: for the command palette as options, else as a page."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from aiops_site.search import find, incident_number
from incidents.models import Incident


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """`q`: words, an incident's number, or the language of the incident list, which answers it."""
    query = request.GET.get("q", "").strip()
    may = request.user.has_perm
    if request.headers.get("HX-Request"):
        return render(request, "site/_found.html", {"found": find(query, may)})
    if may("incidents.view_incident"):
        number = incident_number(query)
        if number is not None and Incident.objects.filter(number=number).exists():
            return redirect("incident", number)
        if ":" in query:
            return redirect(f"{reverse('incidents')}?{urlencode({'q': query})}")
    return render(request, "site/search.html", {"query": query, "found": find(query, may)})
