"""The list as a file for a spreadsheet: the incidents that are selected, or all that match."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.models import Incident
from incidents.query_tokens import QuerySyntaxError
from incidents.views import tabs
from incidents.views.bulk import numbers_of
from incidents.views.bulk_answer import refuse
from incidents.views.language import read
from incidents.views.rows import with_people
from telemetry.access import requires

MOST = 10_000
HEAD = (
    *("number", "title", "severity", "status", "service", "services", "owner"),
    *("opened_at", "acknowledged_at", "resolved_at", "alerts", "cause", "confidence"),
)
# The last four are full-width, which some spreadsheets take for the plain ones.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@require_GET
@requires("incidents.view_incident")
def export(request: HttpRequest) -> HttpResponse:
    """`number` as often as there are incidents, else `q`."""
    try:
        incidents = _wanted(request)
    except QuerySyntaxError as error:
        return refuse(request, error.message)
    found = list(incidents[: MOST + 1])
    if len(found) > MOST:
        return refuse(request, f"More than {MOST:,} incidents match; narrow the search.")
    name = f"incidents-{timezone.now():%Y-%m-%d-%H%M}.csv"
    return HttpResponse(
        write_csv(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def write_csv(incidents: list[Incident]) -> str:
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(HEAD)
    writer.writerows([neutral(cell) for cell in _cells(incident)] for incident in incidents)
    return text.getvalue()


def neutral(cell: str) -> str:
    """What a spreadsheet would take for a formula begins with an apostrophe, as OWASP advises.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _wanted(request: HttpRequest) -> QuerySet[Incident]:
    incidents = with_people(Incident.objects.all()).prefetch_related("services")
    if numbers := numbers_of(request.GET):
        return incidents.filter(number__in=numbers)
    found = read(request.GET.get("q", tabs.DEFAULT), request.user)
    return incidents.filter(found.where).order_by(*found.ordering)


def _cells(incident: Incident) -> Iterator[str]:
    yield f"INC-{incident.number}"
    yield incident.title
    yield incident.severity
    yield incident.status
    yield incident.service.slug if incident.service else ""
    yield " ".join(service.slug for service in incident.services.all())
    yield incident.assignee.username if incident.assignee else ""
    for at in (incident.opened_at, incident.acknowledged_at, incident.resolved_at):
        yield _moment(at)
    yield str(incident.alert_count)
    yield incident.cause
    sure = incident.cause_confidence
    yield "" if sure is None else f"{sure:.2f}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
