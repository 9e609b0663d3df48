"""What a reader asks of the map, as its address says it."""

from dataclasses import dataclass

from django.http import QueryDict
from django.shortcuts import get_object_or_404

from telemetry import service_query
from telemetry.models import Service, TopologyVersion
from telemetry.service_query import CannotRead, Query

DEPTHS = ("1", "2", "3", "4")
USUAL_DEPTH = "2"
MOST_OPENED = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """`focus` is a slug or empty, `version` None for now, `group` "owner", "none" or empty."""

    words: str
    query: Query
    focus: str
    depth: int
    group: str
    opened: frozenset[str]
    version: TopologyVersion | None


def read(form: QueryDict) -> Asked:
    """Raises `CannotRead`, and Http404 for a version there is not."""
    words, depth, group = form.get("q", ""), form.get("depth", USUAL_DEPTH), form.get("group", "")
    if depth not in DEPTHS:
        raise CannotRead("A depth is 1, 2, 3 or 4.")
    if group not in ("", "owner", "none"):
        raise CannotRead("Services are grouped by owner or not at all.")
    return Asked(
        words=words,
        query=service_query.read(words),
        focus=_find_focus(form.get("focus", "").strip()),
        depth=int(depth),
        group=group,
        opened=frozenset(form.getlist("open")[:MOST_OPENED]),
        version=find_version(form.get("at", "")),
    )


def find_version(number: str) -> TopologyVersion | None:
    if not number:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise CannotRead("A version is a number.")
    return get_object_or_404(TopologyVersion, pk=int(number))


def _find_focus(name: str) -> str:
    """By its slug or name, or what begins or contains it."""
    if not name:
        return ""
    for lookup in ("slug__iexact", "name__iexact", "slug__istartswith", "slug__icontains"):
        found = Service.objects.filter(**{lookup: name[:100]}).order_by("slug").first()
        if found:
            return found.slug
    raise CannotRead(f"There is no service “{name[:100]}”.")
