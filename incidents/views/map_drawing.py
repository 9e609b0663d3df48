"""The map as boxes and lines with their words, for the drawing and for its twin, the table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from incidents.service_health import RANKS, Health
from incidents.templatetags.services import KIND_ICONS
from incidents.views.map_choosing import Shown
from telemetry.map_selection import GROUP, MOST_UNGROUPED
from telemetry.models import Service
from telemetry.service_edges import ServiceEdge
from telemetry.sketch import Size, Sketch, Spot, Stroke, shorten, sketch
from telemetry.vital_signs import vitals_of

SIZE = Size(width=168, height=44, step_x=232, step_y=60)
LONGEST_NAME = 14
LINE = (
    '<path class="edge {}" data-from="{}" data-to="{}" data-label="{}" d="{}"'
    ' marker-end="url(#tip)"><title>{}</title></path>'
)
STATE_ICONS = {"down": "critical", "degraded": "medium", "unknown": "help", "healthy": "resolved"}


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` are its classes; `caller` and `callee` are the titles of its ends."""

    source: str
    target: str
    path: str
    kind: str
    words: str
    label: str
    caller: str
    callee: str

    @property
    def drawn(self) -> SafeString:
        """As SVG. A template takes three times as long, and there may be thousands."""
        title = f"{self.caller} calls {self.callee}: {self.words}"
        return format_html(LINE, self.kind, self.source, self.target, self.label, self.path, title)


@dataclass(frozen=True, slots=True)
class Box:
    """A service, or a group of them; `owner` is a group's, and empty for a service."""

    name: str
    title: str
    x: int
    y: int
    word: str
    words: str
    reason: str
    icon: str
    url: str
    owner: str = ""
    tier: int | None = None
    is_focus: bool = False
    calls: list[Line] = field(default_factory=list)
    callers: list[Line] = field(default_factory=list)

    @property
    def short(self) -> str:
        return shorten(self.title, LONGEST_NAME)

    @property
    def state_icon(self) -> str:
        return STATE_ICONS[self.word]


@dataclass(frozen=True, slots=True)
class Picture:
    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int

    @property
    def is_large(self) -> bool:
        """Too much for a reader, and for a page, to have every call in words."""
        return len(self.boxes) > MOST_UNGROUPED


def draw(shown: Shown, focus: str) -> Picture:
    chosen = shown.chosen
    drawn = sketch(chosen.names, [edge[:2] for edge in chosen.edges], SIZE)
    boxes = {box.name: box for box in _boxes(shown, drawn, focus)}
    edges = {edge[:2]: edge for edge in chosen.edges}
    lines = [_line(stroke, edges[stroke.source, stroke.target], boxes) for stroke in drawn.strokes]
    for line in lines:
        boxes[line.source].calls.append(line)
        boxes[line.target].callers.append(line)
    return Picture(list(boxes.values()), lines, drawn.width, drawn.height)


def states(shown: Shown) -> dict[str, list[str]]:
    """Of each box the state, and the words of its second line."""
    measured = _measures(shown)
    single = {
        slug: [shown.health[slug].word, _words(shown.health[slug], measured.get(slug, ""))]
        for slug in shown.chosen.names
        if slug not in shown.chosen.groups
    }
    return single | {
        name: [_worst(members, shown.health), _count(members, shown.health)]
        for name, members in shown.chosen.groups.items()
    }


def _boxes(shown: Shown, drawn: Sketch, focus: str) -> list[Box]:
    told = states(shown)
    return [
        _group_box(spot, told[spot.name])
        if spot.name in shown.chosen.groups
        else _box(spot, told[spot.name], shown.services[spot.name], shown.health, focus)
        for spot in drawn.spots
    ]


def _box(
    spot: Spot, told: list[str], service: Service, health: Mapping[str, Health], focus: str
) -> Box:
    return Box(
        name=spot.name,
        title=service.title,
        x=spot.x,
        y=spot.y,
        word=told[0],
        words=told[1],
        reason=health[spot.name].reason,
        icon=KIND_ICONS[service.kind],
        url=reverse("service", args=[spot.name]),
        tier=service.tier,
        is_focus=spot.name == focus,
    )


def _group_box(spot: Spot, told: list[str]) -> Box:
    owner = spot.name.removeprefix(GROUP)
    return Box(
        name=spot.name,
        title=owner,
        x=spot.x,
        y=spot.y,
        word=told[0],
        words=told[1],
        reason=told[1],
        icon="user",
        url="",
        owner=owner,
    )


def _line(stroke: Stroke, edge: ServiceEdge, boxes: Mapping[str, Box]) -> Line:
    kinds = ["bad"] if edge.is_bad else []
    kinds += ["returns"] if stroke.is_back else []
    kind = " ".join([f"w{edge.weight}", *kinds])
    ends = boxes[stroke.source].title, boxes[stroke.target].title
    return Line(stroke.source, stroke.target, stroke.path, kind, edge.words, edge.label, *ends)


def _words(health: Health, measure: str) -> str:
    return f"{health.word}, {measure}" if measure else health.word


def _measures(shown: Shown) -> dict[str, str]:
    """The p95 or else the rate that callers see, or its own p95 where nobody measures calls."""
    found: dict[str, str] = {}
    for slug, health in shown.health.items():
        if health.traffic:
            p95 = health.traffic.p95_words
            found[slug] = f"p95 {p95}" if p95 else health.traffic.rate_short
    return found | _own_latency(shown, found)


def _own_latency(shown: Shown, found: Mapping[str, str]) -> dict[str, str]:
    rest = [slug for slug in shown.chosen.names if slug in shown.health and slug not in found]
    if len(rest) > MOST_UNGROUPED:
        return {}
    slugs = {shown.services[slug].pk: slug for slug in rest}
    vitals = vitals_of(list(slugs), timezone.now(), ("latency",))
    return {
        slugs[pk]: f"p95 {signs['latency'].value}"
        for pk, signs in vitals.items()
        if "latency" in signs and not signs["latency"].is_late
    }


def _worst(members: list[str], health: Mapping[str, Health]) -> str:
    """Of a group; one that is merely not known does not hide those that are well."""
    words = {health[slug].word for slug in members}
    known = words - {"unknown"} or words
    return min(known, key=RANKS.__getitem__)


def _count(members: list[str], health: Mapping[str, Health]) -> str:
    """With how many of them are worst, if any are ill."""
    counts = Counter(health[slug].word for slug in members)
    for word in ("down", "degraded"):
        if counts[word]:
            return f"{counts[word]} {word} of {len(members)}"
    return f"{len(members)} service{'' if len(members) == 1 else 's'}"
