from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aiops_site.health_tiles import tiles
from aiops_site.tile import DEGRADED, DOWN, Tile
from telemetry.access import requires


@require_GET
@requires("incidents.view_incident")
def status(request: HttpRequest) -> HttpResponse:
    """Reads only, and without the worker: it must work while the rest does not."""
    found = tiles()
    context = {"tiles": found, "verdict": _verdict(found), "at": timezone.now()}
    part = "site/_status.html" if request.headers.get("HX-Request") else "site/status.html"
    return render(request, part, context)


def _verdict(found: list[Tile]) -> tuple[str, str]:
    """A state and a sentence for the head of the page."""
    down = [tile.title for tile in found if tile.state == DOWN]
    degraded = [tile.title for tile in found if tile.state == DEGRADED]
    if down:
        return DOWN, f"Down: {', '.join(down)}"
    if degraded:
        return DEGRADED, f"Degraded: {', '.join(degraded)}"
    return "ok", "All parts work"
