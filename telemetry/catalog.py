"""Services and edges as a file describes them, whatever its format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from telemetry.calls import PartyKind
from telemetry.topology import Edge


class CatalogRefused(ValueError):
    """The file can't be imported; the message says where and why."""


class CatalogService(BaseModel):
    """What the file does not say is empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=253)
    kind: PartyKind = "service"
    tier: Literal["1", "2", "3", "4", ""] = ""
    owner: str = Field(default="", max_length=100)
    lifecycle: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=2_000)


@dataclass(frozen=True, slots=True)
class Catalog:
    """`edges` may name services that are not in the file. `passed_over` says what was, and why."""

    services: tuple[CatalogService, ...]
    edges: tuple[Edge, ...]
    passed_over: tuple[str, ...]


def assemble(
    services: Iterable[CatalogService], edges: Iterable[Edge], passed_over: Sequence[str]
) -> Catalog:
    """The first description of a name counts; nothing depends on itself."""
    first: dict[str, CatalogService] = {}
    described = list(services)
    twice = [each.name for each in described if first.setdefault(each.name, each) is not each]
    distinct = sorted(set(edges))
    notes = [
        *passed_over,
        *(f"{name} is described more than once; the first counts." for name in twice),
        *(f"{caller} depends on itself." for caller, callee in distinct if caller == callee),
    ]
    others = tuple(edge for edge in distinct if edge[0] != edge[1])
    return Catalog(tuple(first.values()), others, tuple(notes))
