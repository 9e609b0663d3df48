"""The map of services: who calls whom now or at another time, how each is, where it is fragile."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from incidents.views import map_asking
from incidents.views.map_choosing import Shown, choose
from incidents.views.map_drawing import draw, states
from incidents.views.services import states_of
from telemetry import change_words
from telemetry.access import requires
from telemetry.models import Service, TopologyVersion
from telemetry.service_edges import edges_now
from telemetry.service_query import CannotRead
from telemetry.topology_changes import difference
from telemetry.topology_versions import edges_of
from telemetry.weak_points import SinglePoint, cycles, single_points_of_failure

OFFERED_NAMES = 300
OFFERED_VERSIONS = 200
LISTED = 50
LISTED_NAMES = 8


@require_GET
@requires("telemetry.view_service")
def show(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {"query": request.GET.get("q", ""), "depths": map_asking.DEPTHS}
    context |= {"total": Service.objects.count(), "focus": request.GET.get("focus", "")}
    context["names"] = Service.objects.order_by("slug").values_list("slug", flat=True)[
        :OFFERED_NAMES
    ]
    try:
        asked = map_asking.read(request.GET)
    except CannotRead as error:
        return render(request, "services/map.html", {**context, "error": str(error)}, status=400)
    shown = choose(asked)
    return render(request, "services/map.html", {**context, **_picture(request, asked, shown)})


@require_GET
@requires("telemetry.view_service")
def state(request: HttpRequest) -> HttpResponse:
    """How the boxes of a map are by now, and whether any came or went."""
    try:
        shown = choose(map_asking.read(request.GET))
    except CannotRead as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse({"shape": shown.shape, "states": states(shown)})


@require_GET
@requires("telemetry.view_service")
def changes(request: HttpRequest) -> HttpResponse:
    """Two moments and what is different between them."""
    versions = list(TopologyVersion.objects.defer("edges")[:OFFERED_VERSIONS])
    context: dict[str, Any] = {"versions": versions}
    try:
        earlier = map_asking.find_version(request.GET.get("from", "")) or _before(versions)
        later = map_asking.find_version(request.GET.get("to", "")) or _newest(versions)
    except CannotRead as error:
        return render(
            request, "services/changes.html", {**context, "error": str(error)}, status=400
        )
    if earlier and later:
        found = difference(edges_of(earlier), edges_of(later))
        parts = [
            ("Came", "plus", change_words.came(found)),
            ("Went", "minus", change_words.went(found)),
            ("Changed", "trend", change_words.changed(found)),
        ]
        context |= {"earlier": earlier, "later": later, "parts": parts}
    return render(request, "services/changes.html", context)


@require_GET
@requires("telemetry.view_service")
def weak_points(request: HttpRequest) -> HttpResponse:
    """What everybody depends on, and services that need each other."""
    edges = [edge[:2] for edge in edges_now()]
    critical = Service.objects.filter(tier=Service.Tier.CRITICAL).values_list("slug", flat=True)
    points = single_points_of_failure(edges, list(critical))
    around = cycles(edges)
    context = {
        "critical": len(critical),
        "points": [_told(point) for point in points[:LISTED]],
        "more_points": max(0, len(points) - LISTED),
        "cycles": around[:LISTED],
        "more_cycles": max(0, len(around) - LISTED),
    }
    return render(request, "services/weak_points.html", context)


def _picture(request: HttpRequest, asked: map_asking.Asked, shown: Shown) -> dict[str, Any]:
    picture = draw(shown, asked.focus)
    health = {shown.services[slug].pk: each for slug, each in shown.health.items()}
    return {
        "asked": asked,
        "focus": asked.focus,
        "picture": picture,
        "shape": shown.shape,
        "groups": len(shown.chosen.groups),
        "found": len(shown.health),
        "left_out": shown.left_out,
        "states": states_of(health, asked.words),
        "address": request.GET.urlencode(),
        "here": _here(request),
    }


def _told(point: SinglePoint) -> dict[str, Any]:
    cut_off = sorted(point.cuts_off)
    return {
        "service": point.service,
        "hurts": point.hurts,
        "cut_off": cut_off[:LISTED_NAMES],
        "more": max(0, len(cut_off) - LISTED_NAMES),
    }


def _here(request: HttpRequest) -> str:
    """This map, to which a group that is opened is added."""
    rest = request.GET.urlencode()
    return f"{reverse('map')}?{rest}&" if rest else f"{reverse('map')}?"


def _newest(versions: list[TopologyVersion]) -> TopologyVersion | None:
    return TopologyVersion.objects.get(pk=versions[0].pk) if versions else None


def _before(versions: list[TopologyVersion]) -> TopologyVersion | None:
    """The one before the newest."""
    return TopologyVersion.objects.get(pk=versions[:2][-1].pk) if versions else None
