"""The services and their calls as a small drawing: callers to the left."""

from dataclasses import dataclass

from incidents.service_health import STATE_ICONS, TROUBLE, health_of
from telemetry import topology
from telemetry.models import Dependency, Service
from telemetry.sketch import Size, Spot, Stroke, shorten, sketch

MOST_NODES = 40
MOST_EDGES = 5_000
SIZE = Size(width=136, height=44, step_x=184, step_y=60)
LONGEST_NAME = 15


@dataclass(frozen=True, slots=True)
class Box:
    slug: str
    name: str
    x: int
    y: int
    state: str
    icon: str


@dataclass(frozen=True, slots=True)
class Line:
    path: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """`total` counts the services there are, drawn or not."""

    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    total: int


def draw(center: str) -> Picture | None:
    """Around one service, or all of them; None when there is nothing to draw."""
    edges = list(Dependency.objects.values_list("caller__slug", "callee__slug")[:MOST_EDGES])
    total = Service.objects.count()
    shown = _shown(center, edges)
    services = {each.slug: each for each in Service.objects.filter(slug__in=shown)}
    if not services:
        return None
    health = health_of(services.values())
    drawn = sketch(services, [edge for edge in edges if set(edge) <= services.keys()], SIZE)
    words = {slug: health[service.pk].word for slug, service in services.items()}
    return Picture(
        boxes=[_box(spot, words[spot.name]) for spot in drawn.spots],
        lines=[_line(stroke, words) for stroke in drawn.strokes],
        width=drawn.width,
        height=drawn.height,
        total=total,
    )


def _shown(center: str, edges: list[topology.Edge]) -> list[str]:
    if not center:
        return list(Service.objects.order_by("slug").values_list("slug", flat=True)[:MOST_NODES])
    near = topology.dependencies(center, edges) | topology.dependants(center, edges)
    return [center, *sorted(near)[: MOST_NODES - 1]]


def _box(spot: Spot, word: str) -> Box:
    name = shorten(spot.name, LONGEST_NAME)
    return Box(spot.name, name, spot.x, spot.y, word, STATE_ICONS[word])


def _line(stroke: Stroke, words: dict[str, str]) -> Line:
    ends = {words[stroke.source], words[stroke.target]}
    return Line(stroke.path, is_bad=ends <= TROUBLE)
