"""Moving, resizing, adding and removing panels; each deed gives a new document."""

from collections.abc import Callable

from aiops_site.dashboards.document import (
    COLUMNS,
    MOST_PANELS,
    Document,
    NotADashboard,
    Panel,
    numbered,
)

TALLEST = 10


def earlier(document: Document, number: int) -> Document:
    return _shifted(document, number, -1)


def later(document: Document, number: int) -> Document:
    return _shifted(document, number, 1)


def wider(document: Document, number: int) -> Document:
    return _sized(document, number, "width", 1, COLUMNS)


def narrower(document: Document, number: int) -> Document:
    return _sized(document, number, "width", -1, COLUMNS)


def taller(document: Document, number: int) -> Document:
    return _sized(document, number, "height", 1, TALLEST)


def shorter(document: Document, number: int) -> Document:
    return _sized(document, number, "height", -1, TALLEST)


def removed(document: Document, number: int) -> Document:
    return _with(document, [each for each in document.panels if each.id != number])


def copied(document: Document, number: int) -> Document:
    """The copy stands behind it. Raises NotADashboard when there is no more room."""
    _demand_room(document)
    place = _place(document, number)
    copy = document.panels[place].model_copy(update={"id": 0})
    return _with(document, [*document.panels[: place + 1], copy, *document.panels[place + 1 :]])


def before(document: Document, number: int, other: int) -> Document:
    """Dropped onto another panel it takes that one's place, which moves on."""
    if number == other:
        return document
    place, goal = _place(document, number), _place(document, other)
    rest = [each for each in document.panels if each.id != number]
    rest.insert(goal, document.panels[place])
    return _with(document, rest)


def put(document: Document, panel: Panel) -> Document:
    """In the place of the one with its id, else behind all the others.

    Raises NotADashboard when there is no more room.
    """
    if document.panel(panel.id):
        panels = [panel if each.id == panel.id else each for each in document.panels]
        return _with(document, panels)
    _demand_room(document)
    return _with(document, [*document.panels, panel])


DEEDS: dict[str, Callable[[Document, int], Document]] = {
    "earlier": earlier,
    "later": later,
    "wider": wider,
    "narrower": narrower,
    "taller": taller,
    "shorter": shorter,
    "copy": copied,
    "remove": removed,
}


def _shifted(document: Document, number: int, by: int) -> Document:
    place = _place(document, number)
    goal = min(max(place + by, 0), len(document.panels) - 1)
    return before(document, number, document.panels[goal].id)


def _sized(document: Document, number: int, side: str, by: int, most: int) -> Document:
    panel = document.panels[_place(document, number)]
    size = min(max(getattr(panel, side) + by, 1), most)
    return put(document, panel.model_copy(update={side: size}))


def _place(document: Document, number: int) -> int:
    for place, panel in enumerate(document.panels):
        if panel.id == number:
            return place
    raise NotADashboard([f"There is no panel {number}."])


def _demand_room(document: Document) -> None:
    if len(document.panels) >= MOST_PANELS:
        raise NotADashboard([f"A dashboard has at most {MOST_PANELS} panels."])


def _with(document: Document, panels: list[Panel]) -> Document:
    return numbered(document.model_copy(update={"panels": panels}))
