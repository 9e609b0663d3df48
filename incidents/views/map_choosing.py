"""Which services and calls the map shows, and how they are."""

import hashlib
from dataclasses import dataclass

from incidents.service_health import Health, health_of
from incidents.views.map_asking import Asked
from telemetry import map_selection
from telemetry.map_selection import MOST_DRAWN, MOST_UNGROUPED, Chosen
from telemetry.models import Service
from telemetry.service_edges import ServiceEdge, edges_at, edges_now


@dataclass(frozen=True, slots=True)
class Shown:
    """`services` and `health` are by slug; `left_out` are those beyond what can be drawn."""

    services: dict[str, Service]
    health: dict[str, Health]
    chosen: Chosen
    left_out: int

    @property
    def shape(self) -> str:
        """The same as long as nothing came or went."""
        pairs = sorted(edge[:2] for edge in self.chosen.edges)
        written = repr((sorted(self.chosen.names), pairs))
        return hashlib.sha256(written.encode()).hexdigest()[:16]


def choose(asked: Asked) -> Shown:
    edges = edges_now() if asked.version is None else edges_at(asked.version)
    services = _services(asked, edges)
    by_key = health_of(list(services.values()))
    health = {slug: by_key[service.pk] for slug, service in services.items()}
    names = [slug for slug in services if asked.query.health in ("", health[slug].word)]
    chosen = _group(asked, names, edges, services)
    return _cut(services, {slug: health[slug] for slug in names}, chosen)


def _services(asked: Asked, edges: list[ServiceEdge]) -> dict[str, Service]:
    found = {each.slug: each for each in Service.objects.filter(asked.query.where)}
    if not asked.focus:
        return found
    near = map_selection.around(asked.focus, [edge[:2] for edge in edges], asked.depth)
    return {slug: service for slug, service in found.items() if slug in near}


def _group(
    asked: Asked, names: list[str], edges: list[ServiceEdge], services: dict[str, Service]
) -> Chosen:
    is_grouped = asked.group == "owner" or (asked.group == "" and len(names) > MOST_UNGROUPED)
    if not is_grouped:
        return map_selection.ungrouped(names, edges)
    return map_selection.grouped(
        {slug: services[slug].owner for slug in names}, edges, asked.opened
    )


def _cut(services: dict[str, Service], health: dict[str, Health], chosen: Chosen) -> Shown:
    """The worst stay."""
    left_out = max(0, len(chosen.names) - MOST_DRAWN)
    if left_out:
        single = [name for name in chosen.names if name not in chosen.groups]
        worst = sorted(single, key=lambda slug: (health[slug].rank, services[slug].tier, slug))
        kept = [*chosen.groups, *worst][:MOST_DRAWN]
        chosen = Chosen(kept, map_selection.among(set(kept), chosen.edges), chosen.groups)
    return Shown(services, health, chosen, left_out)
