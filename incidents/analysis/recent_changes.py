"""What was changed in the hour before the onset: the first suspect when something breaks."""

from datetime import timedelta
from typing import Any

from incidents.analysis import case
from incidents.analysis.finding import Evidence
from incidents.models import Incident
from telemetry import changes, topology
from telemetry.models import Change

BEFORE = timedelta(hours=1)
MOST = 20
MOST_SAID = 5


def before_onset(incident: Incident) -> list[dict[str, Any]]:
    """Of the services touched and of all they need, the closest to the onset first."""
    onset = case.trusted_onset(incident)
    services = case.services_by_slug(_concerned(incident))
    ids = [service.pk for service in services.values()]
    return [
        _fact(change, round((change.began_at - onset).total_seconds()))
        for change in changes.between(ids, onset - BEFORE, onset).order_by("-began_at")[:MOST]
    ]


def evidence_of(facts: list[dict[str, Any]]) -> list[Evidence]:
    return [evidence(fact) for fact in facts[:MOST_SAID]]


def evidence(fact: dict[str, Any]) -> Evidence:
    """For example "deploy v2.31 of checkout 4 min before the onset"."""
    text = f"{fact['label']} of {fact['service']} {_ago(-fact['offset_seconds'])} before the onset"
    return Evidence("change", text, fact["offset_seconds"], url=fact["place"])


def in_words(facts: list[dict[str, Any]]) -> str:
    """A sentence, or nothing."""
    if not facts:
        return ""
    more = f", and {len(facts) - 1} more" if len(facts) > 1 else ""
    return f"Changed in the hour before: {facts[0]['label']} of {facts[0]['service']}{more}."


def _concerned(incident: Incident) -> set[str]:
    edges, near = case.load_edges(), set(case.touched(incident))
    return near.union(*(topology.dependencies(slug, edges) for slug in near))


def _fact(change: Change, offset: int) -> dict[str, Any]:
    return {
        "change": change.pk,
        "service": change.service.slug if change.service else "",
        "kind": change.kind,
        "status": change.status,
        "label": changes.label_of(change),
        "title": change.title,
        "author": change.author,
        "commit": change.commit,
        "url": change.url,
        "place": changes.place_of(change),
        "began_at": change.began_at.isoformat(),
        "offset_seconds": offset,
    }


def _ago(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
