"""Entities of a Backstage catalog become services and edges.

https://backstage.io/docs/features/software-catalog/descriptor-format/
"""

import re
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from telemetry.calls import PartyKind
from telemetry.catalog import Catalog, CatalogService, assemble
from telemetry.topology import Edge

API = "backstage.io/"
_RUNS = {"component", "resource"}
_RESOURCES: dict[str, PartyKind] = {
    "database": "database",
    "queue": "queue",
    "message-queue": "queue",
    "topic": "queue",
}
_REFERENCE = re.compile(r"(?:(?P<kind>[^:/]+):)?(?:[^:/]+/)?(?P<name>[^:/]+)")


class _Metadata(BaseModel):
    name: str = Field(min_length=1, max_length=63)
    description: str = ""


class _Spec(BaseModel):
    type: str = ""
    owner: str = ""
    lifecycle: str = ""
    system: str = ""
    depends_on: list[str] = Field(default=[], alias="dependsOn")
    dependency_of: list[str] = Field(default=[], alias="dependencyOf")


class Entity(BaseModel):
    """What matters here of an entity; the rest is not read."""

    kind: str
    metadata: _Metadata
    spec: _Spec = _Spec()


def describe(entities: Sequence[Entity]) -> Catalog:
    """Components and resources are services; a system's owner owns those in it that name none."""
    passed_over: list[str] = []
    owners = {e.metadata.name: _name(e.spec.owner) for e in entities if e.kind == "System"}
    services, edges = [], []
    for entity in entities:
        if entity.kind.casefold() in _RUNS:
            services.append(_service(entity, owners))
            edges += _edges(entity, passed_over)
        elif entity.kind != "System":
            passed_over.append(f"{entity.kind} {entity.metadata.name} is nothing that runs.")
    return assemble(services, edges, passed_over)


def _service(entity: Entity, owners: dict[str, str]) -> CatalogService:
    spec = entity.spec
    is_resource = entity.kind.casefold() == "resource"
    return CatalogService(
        name=entity.metadata.name,
        kind=_RESOURCES.get(spec.type, "external") if is_resource else "service",
        owner=(_name(spec.owner) or owners.get(_name(spec.system), ""))[:100],
        lifecycle=spec.lifecycle[:100],
        description=entity.metadata.description[:2_000],
    )


def _edges(entity: Entity, passed_over: list[str]) -> list[Edge]:
    name = entity.metadata.name
    callees = _running(entity, entity.spec.depends_on, passed_over)
    callers = _running(entity, entity.spec.dependency_of, passed_over)
    return [(name, callee) for callee in callees] + [(caller, name) for caller in callers]


def _running(entity: Entity, references: Iterable[str], passed_over: list[str]) -> list[str]:
    names = []
    for reference in references:
        found = _REFERENCE.fullmatch(reference)
        if found and (found["kind"] or "component").casefold() in _RUNS:
            names.append(found["name"])
        else:
            passed_over.append(f"{entity.metadata.name} refers to {reference}, which does not run.")
    return names


def _name(reference: str) -> str:
    """For example "payments" of "group:default/payments"; what is no reference as it is."""
    found = _REFERENCE.fullmatch(reference)
    return found["name"] if found else reference
