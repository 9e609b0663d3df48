"""The sample estate: how it is, and a button for every way to break it."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from aiops_site.estate import faults, layout, state
from aiops_site.estate.layout import Fault
from aiops_site.estate.status import ServiceStatus, status_of
from telemetry.access import requires

REFUSALS = (
    faults.ServiceNotRunning,
    faults.UnknownFault,
    faults.UnknownService,
    state.EstateNotRunning,
)
EXPLANATIONS: dict[Fault, str] = {
    Fault.CRASH: "The process ends and stays down. Within 15 s: ServiceDown, critical; its callers "
    "report that they cannot reach it.",
    Fault.HANG: "The process is frozen and accepts connections without answering. Its own metrics "
    "stop; ServiceDown, and latency as its callers measure it rises to their timeout.",
    Fault.ERRORS: "Half of its requests fail. HighErrorRate on it, and errors its callers pass on.",
    Fault.LATENCY: "Every answer takes 0.8 s longer. HighLatency, and a p95 far above its band.",
    Fault.LEAK: "Memory grows by 5 MB a second, up to 300 MB. HighMemory, medium.",
    Fault.DEPENDENCY: "It can no longer reach what it depends on first. DependencyDown on it, "
    "though the dependency itself is well.",
}


@dataclass(frozen=True, slots=True)
class Row:
    service: layout.ShopService
    status: ServiceStatus | None

    @property
    def health(self) -> str:
        """healthy, degraded or down."""
        if self.status is None or self.status["state"] != "RUNNING":
            return "down"
        if self.status["fault"] == Fault.HANG:
            return "down"
        return "healthy" if self.status["healthy"] else "degraded"


@require_GET
@requires("telemetry.view_service")
def estate(request: HttpRequest) -> HttpResponse:
    """For htmx only the cells that change, so that no button moves under a finger."""
    found = status_of(settings.DATA_DIR)
    rows = [Row(each, found["services"].get(each.name)) for each in layout.SERVICES]
    context = {
        "is_running": found["running"],
        "rows": rows,
        "faults": [(str(kind), EXPLANATIONS[kind]) for kind in Fault],
        "any_fault": any(row.status and row.status["fault"] for row in rows),
        "may_break": request.user.has_perm("incidents.respond_incident"),
    }
    is_part = request.headers.get("HX-Request")
    return render(request, "site/_estate_state.html" if is_part else "site/estate.html", context)


@require_POST
@requires("incidents.respond_incident")
def inject(request: HttpRequest) -> HttpResponse:
    """`service` and `kind`; what cannot be done is a message, not an error."""
    service, kind = request.POST.get("service", ""), request.POST.get("kind", "")
    try:
        faults.inject(state.read(settings.DATA_DIR), service, kind)
    except REFUSALS as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{service} now has the fault {kind}.")
    return redirect("estate")


@require_POST
@requires("incidents.respond_incident")
def clear(request: HttpRequest) -> HttpResponse:
    """One `service`, or without one all of them."""
    service = request.POST.get("service") or None
    try:
        faults.clear(state.read(settings.DATA_DIR), service)
    except REFUSALS as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{service or 'Every service'} is mended.")
    return redirect("estate")
