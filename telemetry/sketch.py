"""Where the boxes and lines of a drawing of services lie: callers to the left, in pixels."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from telemetry.topology import Drawing, Edge, lay_out

MARGIN = 14
EDGE = 2
ARC = 34
FEWEST_ABREAST = 4


@dataclass(frozen=True, slots=True)
class Size:
    """Of a box, and from the corner of one to that of the next."""

    width: int
    height: int
    step_x: int
    step_y: int


@dataclass(frozen=True, slots=True)
class Spot:
    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Stroke:
    """`path` is that of an SVG path. One that closes a cycle swings back below the boxes."""

    source: str
    target: str
    path: str
    is_back: bool


@dataclass(frozen=True, slots=True)
class Sketch:
    spots: tuple[Spot, ...]
    strokes: tuple[Stroke, ...]
    width: int
    height: int


def sketch(services: Collection[str], edges: Iterable[Edge], size: Size) -> Sketch:
    """Columns are centred beside each other; services without calls stand in rows below."""
    drawing = lay_out([], edges)
    joined = list(_joined(drawing, size))
    below = max((spot.y + size.step_y for spot in joined), default=MARGIN)
    alone = sorted(set(services) - {spot.name for spot in joined})
    columns = max((node.column + 1 for node in drawing.nodes), default=0)
    spots = [*joined, *_in_rows(alone, max(FEWEST_ABREAST, columns), below, size)]
    return Sketch(
        tuple(spots),
        tuple(_strokes(drawing, {spot.name: spot for spot in spots}, size)),
        width=max((spot.x for spot in spots), default=0) + size.width + 2 * EDGE,
        height=max((spot.y for spot in spots), default=0) + size.height + ARC + MARGIN,
    )


def shorten(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _joined(drawing: Drawing, size: Size) -> Iterator[Spot]:
    counts = Counter(node.column for node in drawing.nodes)
    tallest = max(counts.values(), default=0)
    for node in drawing.nodes:
        above = (tallest - counts[node.column]) * size.step_y // 2
        x, y = EDGE + node.column * size.step_x, MARGIN + above + node.row * size.step_y
        yield Spot(node.name, x, y)


def _in_rows(names: list[str], abreast: int, top: int, size: Size) -> Iterator[Spot]:
    for index, name in enumerate(names):
        row, column = divmod(index, abreast)
        yield Spot(name, EDGE + column * size.step_x, top + row * size.step_y)


def _strokes(drawing: Drawing, spots: dict[str, Spot], size: Size) -> Iterator[Stroke]:
    for arrow in drawing.arrows:
        source, target = spots[arrow.source], spots[arrow.target]
        path = (_back if arrow.is_back else _forward)(source, target, size)
        yield Stroke(arrow.source, arrow.target, path, arrow.is_back)


def _forward(source: Spot, target: Spot, size: Size) -> str:
    """From the right edge of the caller to the left edge of the callee, bent once."""
    x1, y1 = source.x + size.width, source.y + size.height // 2
    x2, y2 = target.x - EDGE, target.y + size.height // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"


def _back(source: Spot, target: Spot, size: Size) -> str:
    """From the foot of the caller below to the foot of the callee."""
    x1, y1 = source.x + size.width // 2, source.y + size.height
    x2, y2 = target.x + size.width // 2, target.y + size.height + EDGE
    low = max(y1, y2) + ARC
    return f"M{x1} {y1}C{x1} {low} {x2} {low} {x2} {y2}"
