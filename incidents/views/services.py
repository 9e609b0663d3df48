"""The services, the worst first, and how many are in which state."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.service_health import Health, count_words, health_of
from telemetry import service_query
from telemetry.access import requires
from telemetry.models import Service
from telemetry.vital_signs import Vital, vitals_of

SHOWN = 200
LISTED = ("latency", "tail", "errors", "traffic")


@dataclass(frozen=True, slots=True)
class Row:
    service: Service
    health: Health
    vitals: dict[str, Vital]


@require_GET
@requires("telemetry.view_service")
def services(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "")
    context: dict[str, Any] = {"query": query, "total": Service.objects.count()}
    try:
        asked = service_query.read(query)
    except service_query.CannotRead as error:
        return render(request, "services/list.html", {**context, "error": str(error)}, status=400)
    found = list(Service.objects.filter(asked.where))
    health = health_of(found)
    chosen = [each for each in found if asked.health in ("", health[each.pk].word)]
    worst = sorted(chosen, key=lambda each: (health[each.pk].rank, each.tier, each.slug))[:SHOWN]
    context |= {"rows": _rows(worst, health), "found": len(chosen)}
    context |= {"states": states_of(health, query)}
    part = "services/_table.html" if request.headers.get("HX-Request") else "services/list.html"
    return render(request, part, context)


def _rows(chosen: list[Service], health: dict[int, Health]) -> list[Row]:
    vitals = vitals_of([each.pk for each in chosen], timezone.now(), LISTED)
    return [Row(each, health[each.pk], vitals.get(each.pk, {})) for each in chosen]


def states_of(health: dict[int, Health], query: str) -> list[tuple[str, int, str]]:
    """Each state with how many are in it, and the query that shows them."""
    others = [word for word in query.split() if not word.startswith("health:")]
    counts = count_words(health.values())
    return [(word, counts[word], " ".join([*others, f"health:{word}"])) for word in counts]
