"""The services that somebody speaks of."""

from collections.abc import Iterable

from telemetry.models import Service
from telemetry.service_names import slug_of, title_of


def services_named(names: Iterable[str]) -> dict[str, Service]:
    """By slug. A new one is added: who speaks of it knows that it exists. A name that says nothing
    is left out."""
    named = {slug: title_of(name) for name in sorted(set(names)) if (slug := slug_of(name))}
    known = {service.slug: service for service in Service.objects.filter(slug__in=named)}
    if new := sorted(named.keys() - known.keys()):
        added = [Service(slug=slug, name=named[slug]) for slug in new]
        Service.objects.bulk_create(added, ignore_conflicts=True)
        known |= {service.slug: service for service in Service.objects.filter(slug__in=new)}
    return known
