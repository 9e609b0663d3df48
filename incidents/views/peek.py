"""An incident at a glance, beside the list."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.models import Incident
from incidents.views.asking import may_respond
from incidents.views.findings import read_analysis
from incidents.views.rows import rows_of, with_people
from incidents.views.story import lead
from telemetry.access import requires

LAST_ENTRIES = 5


@require_GET
@requires("incidents.view_incident")
def peek(request: HttpRequest, number: int) -> HttpResponse:
    incident = get_object_or_404(with_people(Incident.objects.all()), number=number)
    analysis = read_analysis(incident)
    context = {
        "row": rows_of([incident], timezone.now())[0],
        "lead": lead(incident, analysis.found),
        "cause": next(iter(analysis.candidates), None),
        "entries": list(incident.timeline.order_by("-seq")[:LAST_ENTRIES])[::-1],
        "may_respond": may_respond(request),
    }
    return render(request, "incidents/_peek.html", context)
