"""A catalogue becomes services and dependencies: first what would change, then the change."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction

from telemetry.catalog import Catalog, CatalogService
from telemetry.models import Dependency, Service
from telemetry.service_names import slug_of, title_of
from telemetry.topology import Edge

FIELDS = ("kind", "tier", "owner", "description")
Origin = Dependency.Origin


@dataclass(frozen=True, slots=True)
class Import:
    """`added` and `changed` services carry what the file says and are not saved; of those changed,
    the words tell what. `calls` are new, `confirmed` were only observed so far; both by slug."""

    added: list[Service]
    changed: list[tuple[Service, list[str]]]
    calls: list[Edge]
    confirmed: list[Edge]
    passed_over: tuple[str, ...]

    @property
    def changes_nothing(self) -> bool:
        return not (self.added or self.changed or self.calls or self.confirmed)

    @property
    def fingerprint(self) -> str:
        """The same as long as the same would be done."""
        added = [(s.slug, *(getattr(s, name) for name in FIELDS)) for s in self.added]
        changed = [(service.slug, words) for service, words in self.changed]
        written = repr((added, changed, self.calls, self.confirmed))
        return hashlib.sha256(written.encode()).hexdigest()[:16]


def compare(catalog: Catalog) -> Import:
    """What a file does not say, it does not change; services and calls it lacks stay."""
    described, nameless = _by_slug(catalog)
    edges = {(slug_of(a), slug_of(b)) for a, b in catalog.edges}
    calls = sorted((a, b) for a, b in edges if a and b and a != b)
    names = {slug_of(name): name for edge in catalog.edges for name in edge if slug_of(name)}
    wanted = {slug: CatalogService.model_construct(name=name) for slug, name in names.items()}
    wanted |= described
    known = {service.slug: service for service in Service.objects.filter(slug__in=wanted)}
    origins = _origins()
    return Import(
        added=[_new(slug, wanted[slug]) for slug in sorted(wanted.keys() - known.keys())],
        changed=list(_changed(known, described)),
        calls=[edge for edge in calls if edge not in origins],
        confirmed=[edge for edge in calls if origins.get(edge) == Origin.OBSERVED],
        passed_over=(*catalog.passed_over, *nameless),
    )


@transaction.atomic
def carry_out(catalog: Catalog) -> Import:
    """What a person said of a call stays a person's."""
    wanted = compare(catalog)
    Service.objects.bulk_create(wanted.added, ignore_conflicts=True)
    Service.objects.bulk_update([service for service, _ in wanted.changed], FIELDS, batch_size=100)
    edges = [*wanted.calls, *wanted.confirmed]
    slugs = {slug for edge in edges for slug in edge}
    ids = dict(Service.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    Dependency.objects.bulk_create(
        [Dependency(caller_id=ids[a], callee_id=ids[b], origin=Origin.CATALOG) for a, b in edges],
        update_conflicts=True,
        unique_fields=["caller", "callee"],
        update_fields=["origin"],
    )
    return wanted


def _by_slug(catalog: Catalog) -> tuple[dict[str, CatalogService], list[str]]:
    """And what is wrong with those that are left out."""
    found: dict[str, CatalogService] = {}
    wrong: list[str] = []
    for each in catalog.services:
        slug = slug_of(each.name)
        if not slug:
            wrong.append(f"“{each.name}” has neither a letter nor a digit.")
        elif slug in found:
            wrong.append(f"“{each.name}” is the same service as “{found[slug].name}”.")
        else:
            found[slug] = each
    return found, wrong


def _origins() -> dict[Edge, str]:
    rows = Dependency.objects.values_list("caller__slug", "callee__slug", "origin")
    return {(caller, callee): origin for caller, callee, origin in rows}


def _new(slug: str, described: CatalogService) -> Service:
    said = dict(_said(described))
    return Service(slug=slug, name=title_of(described.name), **said)


def _changed(
    known: dict[str, Service], described: dict[str, CatalogService]
) -> Iterator[tuple[Service, list[str]]]:
    for slug in sorted(known.keys() & described.keys()):
        service = known[slug]
        words = list(_take_over(service, _said(described[slug])))
        if words:
            yield service, words


def _take_over(service: Service, said: Iterable[tuple[str, str | int]]) -> Iterator[str]:
    for name, value in said:
        before = getattr(service, name)
        if before != value:
            setattr(service, name, value)
            yield f"{name}: {before or 'nothing'} → {value}"


def _said(described: CatalogService) -> Iterator[tuple[str, str | int]]:
    for name in FIELDS:
        value = getattr(described, name)
        if value and name in described.model_fields_set:
            yield name, int(value) if name == "tier" else value
