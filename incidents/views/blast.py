"""The services around a suspect as a drawing: callers to the left, what it needs to the right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from incidents.analysis import case
from incidents.models import Alert, Incident
from incidents.service_health import STATE_ICONS, TROUBLE
from telemetry import topology
from telemetry.models import Service
from telemetry.sketch import Size, Spot, Stroke, shorten, sketch

SIZE = Size(width=136, height=44, step_x=184, step_y=60)
LEAST_WIDTH = 690
MOST_NODES = 24
LONGEST_NAME = 13


@dataclass(frozen=True, slots=True)
class Box:
    """A service. `hops` counts calls to the suspect, None for what does not depend on it."""

    slug: str
    name: str
    x: int
    y: int
    state: str
    icon: str
    words: str
    tier: str
    hops: int | None
    is_suspect: bool


@dataclass(frozen=True, slots=True)
class Line:
    path: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Picture:
    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    reached: int
    total: int

    @property
    def is_wide(self) -> bool:
        return self.width > LEAST_WIDTH + SIZE.step_x


def draw(incident: Incident, found: Mapping[str, Mapping[str, Any]]) -> Picture | None:
    """None when no service is suspected."""
    if incident.service is None:
        return None
    suspect, edges = incident.service.slug, case.load_edges()
    hops = _hops(suspect, edges)
    near = {suspect, *hops, *(callee for caller, callee in edges if caller == suspect)}
    shown = {
        suspect,
        *sorted(near - {suspect}, key=lambda s: (hops.get(s, 1), s))[: MOST_NODES - 1],
    }
    inner = [edge for edge in edges if set(edge) <= shown]
    states = _states(incident, shown, found)
    drawn = sketch(shown, inner, SIZE)
    services = case.services_by_slug(shown)
    boxes = {
        spot.name: _box(spot, states[spot.name], services.get(spot.name), hops, suspect)
        for spot in drawn.spots
    }
    return Picture(
        boxes=list(boxes.values()),
        lines=[_line(stroke, boxes) for stroke in drawn.strokes],
        width=max(LEAST_WIDTH, drawn.width),
        height=drawn.height,
        reached=len(hops),
        total=Service.objects.count(),
    )


def _hops(suspect: str, edges: list[topology.Edge]) -> dict[str, int]:
    rings = topology.blast_radius(suspect, edges)
    return {slug: hop for hop, ring in enumerate(rings, start=1) for slug in ring}


def _states(
    incident: Incident, slugs: set[str], found: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[str, str]]:
    """Of each service the state, and what says so."""
    rows = Alert.objects.filter(incident=incident, status=Alert.Status.FIRING).order_by()
    counted = rows.filter(service__slug__in=slugs).values_list("service__slug")
    firing = dict(counted.annotate(n=Count("pk")))
    metrics = found.get("enrichment", {})
    departed = {each["service"] for each in metrics.get("departures", [])}
    silent = {each["service"] for each in metrics.get("silent", [])}
    looked = metrics.get("looked", {})
    return {
        slug: _state(slug, firing.get(slug, 0), departed, silent, looked)
        if incident.is_active
        else ("healthy", "recovered" if slug in firing or slug in departed else "as expected")
        for slug in slugs
    }


def _state(
    slug: str, firing: int, departed: set[str], silent: set[str], looked: Mapping[str, Any]
) -> tuple[str, str]:
    if slug in silent:
        return "down", "not reporting"
    if firing:
        return "degraded", f"{firing} alert{'' if firing == 1 else 's'} firing"
    if slug in departed:
        return "degraded", "metrics are off"
    return ("healthy", "as expected") if slug in looked else ("unknown", "no metrics")


def _box(
    spot: Spot,
    state: tuple[str, str],
    service: Service | None,
    hops: Mapping[str, int],
    suspect: str,
) -> Box:
    return Box(
        slug=spot.name,
        name=shorten(spot.name, LONGEST_NAME),
        x=spot.x,
        y=spot.y,
        state=state[0],
        icon=STATE_ICONS[state[0]],
        words=state[1],
        tier=service.get_tier_display() if service else "not known",
        hops=0 if spot.name == suspect else hops.get(spot.name),
        is_suspect=spot.name == suspect,
    )


def _line(stroke: Stroke, boxes: Mapping[str, Box]) -> Line:
    ends = {boxes[stroke.source].state, boxes[stroke.target].state}
    return Line(stroke.path, is_bad=ends <= TROUBLE)
