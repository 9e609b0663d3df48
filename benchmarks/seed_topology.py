"""Fills the console's database with many services that call each other; a process of its own."""

import os
from random import Random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiops_site.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from telemetry.models import Dependency, Service  # noqa: E402

SERVICES = 1_000
EDGES = 5_000
OWNERS = 25
BACKWARDS = 50


def main() -> None:
    random = Random(1)  # noqa: S311 (the same each time)
    services = Service.objects.bulk_create(_service(number) for number in range(SERVICES))
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < EDGES:
        caller = random.randrange(SERVICES - 1)
        callee = random.randrange(caller + 1, min(SERVICES, caller + 200))
        pairs.add((callee, caller) if len(pairs) < BACKWARDS else (caller, callee))
    Dependency.objects.bulk_create(
        Dependency(
            caller=services[caller],
            callee=services[callee],
            origin=Dependency.Origin.OBSERVED,
            seen_at=timezone.now(),
            calls_per_minute=random.uniform(1, 3_000),
            error_share=random.choice([0.0, 0.001, 0.002, 0.2]),
            p95_ms=random.uniform(2, 900),
            confidence=0.9,
        )
        for caller, callee in sorted(pairs)
    )


def _service(number: int) -> Service:
    kinds = list(Service.Kind.values)
    return Service(
        slug=f"seeded-{number}",
        tier=1 + number % 4,
        owner=f"team-{number % OWNERS}",
        kind=kinds[number % 10] if number % 10 < len(kinds) else Service.Kind.SERVICE,
    )


if __name__ == "__main__":
    main()
