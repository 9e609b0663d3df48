"""The services and their calls as a small drawing: callers to the left."""

from dataclasses import dataclass

from incidents.service_health import health_of
from telemetry import topology
from telemetry.models import Dependency, Service

MOST_NODES = 40
MOST_EDGES = 5_000
WIDTH, HEIGHT = 136, 44
STEP_X, STEP_Y = 184, 60
MARGIN = 4
LONGEST_NAME = 15
ICONS = {"down": "critical", "degraded": "medium", "healthy": "resolved"}


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
    drawing = topology.lay_out(services, [e for e in edges if set(e) <= services.keys()])
    boxes = {node.name: _box(node, health[services[node.name].pk].word) for node in drawing.nodes}
    lines = [_line(boxes[arrow.source], boxes[arrow.target]) for arrow in drawing.arrows]
    return Picture(
        boxes=list(boxes.values()),
        lines=lines,
        width=max(box.x for box in boxes.values()) + WIDTH + MARGIN,
        height=max(box.y for box in boxes.values()) + HEIGHT + MARGIN,
        total=total,
    )


def _shown(center: str, edges: list[topology.Edge]) -> list[str]:
    if not center:
        return list(Service.objects.order_by("slug").values_list("slug", flat=True)[:MOST_NODES])
    near = topology.dependencies(center, edges) | topology.dependants(center, edges)
    return [center, *sorted(near)[: MOST_NODES - 1]]


def _box(node: topology.Node, state: str) -> Box:
    is_long = len(node.name) > LONGEST_NAME
    return Box(
        slug=node.name,
        name=f"{node.name[: LONGEST_NAME - 1]}…" if is_long else node.name,
        x=MARGIN + node.column * STEP_X,
        y=MARGIN + node.row * STEP_Y,
        state=state,
        icon=ICONS.get(state, "help"),
    )


def _line(source: Box, target: Box) -> Line:
    """From the right edge of the caller to the left edge of the callee, bent once."""
    x1, y1 = source.x + WIDTH, source.y + HEIGHT // 2
    x2, y2 = target.x - 2, target.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    trouble = ("down", "degraded")
    is_bad = source.state in trouble and target.state in trouble
    return Line(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", is_bad)
