"""An alert as the console knows it, in JSON to read and to take along."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from incidents.models import Alert
from telemetry.access import requires

PLAIN = ("fingerprint", "name", "summary", "url", "severity", "status", "labels", "annotations")
TIMES = ("starts_at", "ends_at", "first_received_at", "last_received_at")


@require_GET
@requires("incidents.view_alert")
def raw(request: HttpRequest, pk: int) -> HttpResponse:
    """For a dialog; without a script, the JSON itself."""
    alert = get_object_or_404(Alert.objects.select_related("service", "integration"), pk=pk)
    if not request.headers.get("HX-Request"):
        return JsonResponse(facts_of(alert), json_dumps_params={"indent": 2})
    return render(request, "incidents/_raw_alert.html", {"alert": alert, "raw": as_json(alert)})


def as_json(alert: Alert) -> str:
    return json.dumps(facts_of(alert), indent=2, ensure_ascii=False)


def facts_of(alert: Alert) -> dict[str, Any]:
    """Times are RFC 3339 in UTC; `service` is a slug, `integration` a name."""
    times = {name: getattr(alert, name) for name in TIMES}
    return {
        "id": alert.pk,
        **{name: getattr(alert, name) for name in PLAIN},
        **{name: at.isoformat() if at else None for name, at in times.items()},
        "event_count": alert.event_count,
        "is_flapping": alert.is_flapping,
        "incident": alert.incident_id,
        "service": alert.service.slug if alert.service else None,
        "integration": alert.integration.name if alert.integration else None,
    }
