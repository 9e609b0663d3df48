"""What a few words find in the whole console: incidents, services, runbooks."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from django.db.models import Q
from django.urls import reverse

from automation.models import Runbook
from incidents.models import Incident
from telemetry.models import Service

MOST_HITS = 8
MOST_WORDS = 8
LONGEST = 100
_NUMBER = re.compile(r"(?:INC-|#)?([0-9]{1,15})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hit:
    """`severity` is an incident's; everything else is drawn with the `icon` of its kind."""

    url: str
    title: str
    detail: str
    icon: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    heading: str
    hits: list[Hit]


def find(query: str, may: Callable[[str], bool]) -> list[Found]:
    """At most `MOST_HITS` of each kind that `may`, asked for a permission, lets be seen; kinds
    without a hit are left out. Every word must occur."""
    words = query[:LONGEST].split()[:MOST_WORDS]
    if not words:
        return []
    kinds = (Found(name, look(words)) for name, needs, look in KINDS if may(needs))
    return [found for found in kinds if found.hits]


def incident_number(query: str) -> int | None:
    """Of "INC-42", "#42" or "42"; None for other words."""
    match = _NUMBER.fullmatch(query.strip())
    return int(match[1]) if match else None


def _incidents(words: list[str]) -> list[Hit]:
    """The one of that number, then those that are worked on, then the newest."""
    titled = Incident.objects.filter(_each_in(words, ["title"])).order_by("-number")
    found = list(Incident.objects.filter(number=incident_number(" ".join(words)) or 0))
    for more in (titled.active(), titled.exclude(status__in=Incident.ACTIVE)):
        known = [incident.number for incident in found]
        found += more.exclude(number__in=known)[: MOST_HITS - len(found)]
    return [
        Hit(
            url=reverse("incident", args=[incident.number]),
            title=f"{incident} {incident.title}",
            detail=incident.get_status_display(),
            icon=incident.severity,
            severity=incident.severity,
        )
        for incident in found
    ]


def _services(words: list[str]) -> list[Hit]:
    found = Service.objects.filter(_each_in(words, ["slug", "name"]))
    return [
        Hit(
            url=reverse("service", args=[service.slug]),
            title=service.name or service.slug,
            detail=f"Tier {service.tier}",
            icon="service",
        )
        for service in found[:MOST_HITS]
    ]


def _runbooks(words: list[str]) -> list[Hit]:
    found = Runbook.objects.filter(_each_in(words, ["name", "description"]))
    return [
        Hit(
            url=reverse("runbook", args=[runbook.name]),
            title=runbook.name,
            detail="" if runbook.published_id else "Draft",
            icon="book",
        )
        for runbook in found[:MOST_HITS]
    ]


def _each_in(words: Iterable[str], fields: list[str]) -> Q:
    anywhere = ([Q((f"{field}__icontains", word)) for field in fields] for word in words)
    return reduce(and_, (reduce(or_, places) for places in anywhere))


KINDS: tuple[tuple[str, str, Callable[[list[str]], list[Hit]]], ...] = (
    ("Incidents", "incidents.view_incident", _incidents),
    ("Services", "telemetry.view_service", _services),
    ("Runbooks", "automation.view_runbook", _runbooks),
)
