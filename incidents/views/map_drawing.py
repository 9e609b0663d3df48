"""The map as boxes and lines with their words, for the drawing and for its twin, the table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from incidents.service_health import RANKS, STATE_ICONS, Health
from incidents.templatetags.services import KIND_ICONS
from incidents.views.map_choosing import Shown
from telemetry.map_selection import GROUP, MOST_UNGROUPED
from telemetry.service_edges import ServiceEdge
from telemetry.sketch import Size, Sketch, Spot, Stroke, shorten, sketch
from telemetry.vital_signs import vitals_of

SIZE = Size(width=168, height=44, step_x=232, step_y=60)
LONGEST_NAME = 14
LINE = (
    '<path class="edge {}" data-from="{}" data-to="{}" data-label="{}" d="{}"'
    ' marker-end="url(#tip)"><title>{}</title></path>'
)


@dataclass(frozen=True, slots=True)
class Line:
    """`caller` and `callee` are the titles of its ends. A line that is not `told` is only drawn:
    words for thousands would take longer than all the rest."""

    edge: ServiceEdge
    stroke: Stroke
    caller: str
    callee: str
    is_told: bool

    @property
    def words(self) -> str:
        return self.edge.words

    @property
    def kind(self) -> str:
        kinds = {"bad": self.edge.is_bad, "returns": self.stroke.is_back}
        return " ".join([f"w{self.edge.weight}", *(name for name, holds in kinds.items() if holds)])

    @property
    def drawn(self) -> SafeString:
        """As SVG, which is more than a template can do for thousands."""
        stroke = self.stroke
        label = self.edge.label if self.is_told else ""
        words = f": {self.words}" if self.is_told else ""
        title = f"{self.caller} calls {self.callee}{words}"
        return format_html(LINE, self.kind, stroke.source, stroke.target, label, stroke.path, title)


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
    is_large: bool


def draw(shown: Shown, focus: str) -> Picture:
    chosen = shown.chosen
    drawn = sketch(chosen.names, [edge[:2] for edge in chosen.edges], SIZE)
    boxes = {box.name: box for box in _boxes(shown, drawn, focus)}
    edges = {edge[:2]: edge for edge in chosen.edges}
    is_large = len(boxes) > MOST_UNGROUPED
    lines = []
    for stroke in drawn.strokes:
        caller, callee = boxes[stroke.source], boxes[stroke.target]
        edge = edges[stroke.source, stroke.target]
        line = Line(edge, stroke, caller.title, callee.title, is_told=not is_large)
        lines.append(line)
        caller.calls.append(line)
        callee.callers.append(line)
    return Picture(list(boxes.values()), lines, drawn.width, drawn.height, is_large)


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
    pages = reverse("service", args=["-"]).removesuffix("-/")  # asked once: it takes long
    return [
        _group_box(spot, told[spot.name])
        if spot.name in shown.chosen.groups
        else _box(spot, told[spot.name], shown, pages, is_focus=spot.name == focus)
        for spot in drawn.spots
    ]


def _box(spot: Spot, told: list[str], shown: Shown, pages: str, *, is_focus: bool) -> Box:
    service = shown.services[spot.name]
    return Box(
        name=spot.name,
        title=service.title,
        x=spot.x,
        y=spot.y,
        word=told[0],
        words=told[1],
        reason=shown.health[spot.name].reason,
        icon=KIND_ICONS[service.kind],
        url=f"{pages}{spot.name}/",
        tier=service.tier,
        is_focus=is_focus,
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
