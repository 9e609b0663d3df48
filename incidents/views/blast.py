"""The services around a suspect as a drawing: callers to the left, what it needs to the right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from incidents.analysis import case
from incidents.models import Alert, Incident
from telemetry import topology
from telemetry.models import Service

WIDTH, HEIGHT = 136, 44
STEP_X, STEP_Y = 184, 60
MARGIN = 14
LEAST_WIDTH = 690
MOST_NODES = 24
LONGEST_NAME = 15


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
        return self.width > LEAST_WIDTH + STEP_X


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
    drawing = topology.lay_out(shown, inner)
    services = case.services_by_slug(shown)
    boxes = {
        node.name: _box(node, states[node.name], services.get(node.name), hops, suspect)
        for node in drawing.nodes
    }
    return Picture(
        boxes=list(boxes.values()),
        lines=[_line(boxes[arrow.source], boxes[arrow.target]) for arrow in drawing.arrows],
        width=max(LEAST_WIDTH, max(box.x for box in boxes.values()) + WIDTH + 2),
        height=max(box.y for box in boxes.values()) + HEIGHT + 2 * MARGIN,
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
    node: topology.Node,
    state: tuple[str, str],
    service: Service | None,
    hops: Mapping[str, int],
    suspect: str,
) -> Box:
    icons = {"down": "critical", "degraded": "medium", "healthy": "resolved"}
    is_long = len(node.name) > LONGEST_NAME
    return Box(
        slug=node.name,
        name=f"{node.name[: LONGEST_NAME - 1]}…" if is_long else node.name,
        x=2 + node.column * STEP_X,
        y=MARGIN + node.row * STEP_Y,
        state=state[0],
        icon=icons.get(state[0], "help"),
        words=state[1],
        tier=service.get_tier_display() if service else "not known",
        hops=0 if node.name == suspect else hops.get(node.name),
        is_suspect=node.name == suspect,
    )


def _line(source: Box, target: Box) -> Line:
    """From the right edge of the caller to the left edge of the callee, bent once."""
    x1, y1 = source.x + WIDTH, source.y + HEIGHT // 2
    x2, y2 = target.x - 2, target.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    trouble = ("down", "degraded")
    is_bad = source.state in trouble and target.state in trouble
    return Line(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", is_bad)
