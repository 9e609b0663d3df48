"""Who is who in the sample estate: plain facts, for its processes and for the console."""

from dataclasses import dataclass
from enum import StrEnum

ENVIRONMENT = "sample"
LOOPBACK = "127.0.0.1"
HEALTH_PATH = "/healthz"
FAULT_PATH = "/fault"
DISK = "disk"
"""What the store, which calls nobody, depends on."""


class Fault(StrEnum):
    CRASH = "crash"
    HANG = "hang"
    ERRORS = "errors"
    LATENCY = "latency"
    LEAK = "leak"
    DEPENDENCY = "dependency"


@dataclass(frozen=True, slots=True)
class ShopService:
    """Tier 1 is what customers notice at once, tier 3 what they may never notice."""

    name: str
    tier: int
    owner: str
    description: str
    dependencies: tuple[str, ...]


SERVICES: tuple[ShopService, ...] = (
    ShopService("gateway", 1, "web", "Front door of the shop", ("catalog", "checkout")),
    ShopService("catalog", 2, "web", "What can be bought", ("store",)),
    ShopService("checkout", 1, "orders", "Turns a basket into an order", ("payments", "store")),
    ShopService("payments", 1, "orders", "Charges the customer", ("store",)),
    ShopService("store", 1, "platform", "Stock and ledger, kept in a file", ()),
)
SERVICE_NAMES: tuple[str, ...] = tuple(service.name for service in SERVICES)
DEPENDENCIES: dict[str, tuple[str, ...]] = {s.name: s.dependencies for s in SERVICES}

Call = tuple[str, str]
UNTRACED = ("store",)
"""Tells no spans, as a database would not: it is known to traces by those who call it."""

ROUTES: dict[str, dict[str, tuple[Call, ...]]] = {
    "gateway": {"/browse": (("catalog", "/items"),), "/buy": (("checkout", "/orders"),)},
    "catalog": {"/items": (("store", "/stock"),)},
    "checkout": {"/orders": (("payments", "/charges"), ("store", "/stock"))},
    "payments": {"/charges": (("store", "/ledger"),)},
    "store": {"/stock": (), "/ledger": ()},
}
"""Service and path to the calls (peer, path) it makes, in order, before it answers."""


def first_dependency(service: str) -> str:
    """What the fault "dependency" takes away from a service."""
    return next(iter(DEPENDENCIES[service]), DISK)
