"""The timeline as the page and the socket read it: one shape for both."""

from typing import Any

from incidents.models import TimelineEntry


def as_entry(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "actor": entry.actor,
        "text": entry.text,
        "payload": entry.payload,
    }


def timeline_frames(number: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Entries after `after`, in order, as frames for the socket."""
    entries = TimelineEntry.objects.filter(incident_id=int(number), seq__gt=after).order_by("seq")
    return [
        {"seq": entry.seq, "kind": entry.kind, "entry": as_entry(entry)}
        for entry in entries[:limit]
    ]
