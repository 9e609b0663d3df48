"""How each kind of timeline entry looks, for the template and for static/ui/timeline.js alike."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString

from incidents.models import Incident, Severity, TimelineEntry

register = template.Library()

Look = Mapping[str, str | bool]

# A kind is looked up whole, then by its first word ("analysis_step": "analysis"), then "other".
# `by_to` takes the icon, and for a status the colour, from payload["to"]; `key` is a key event.
LOOKS: Final[Mapping[str, Look]] = {
    "opened": {"icon": "siren", "status": "open", "key": True},
    "reopened": {"icon": "siren", "status": "open", "key": True},
    "status": {
        "icon": "investigating",
        "status": "investigating",
        "key": True,
        "by_to": True,
    },
    "severity": {"icon": "warning", "status": "", "key": True, "by_to": True},
    "title": {"icon": "edit", "status": "", "key": False},
    "acknowledged": {"icon": "user", "status": "investigating", "key": True},
    "assigned": {"icon": "user", "status": "", "key": True},
    "snoozed": {"icon": "snooze", "status": "", "key": True},
    "comment": {"icon": "comment", "status": "", "key": True},
    "alert": {"icon": "bell", "status": "", "key": False},
    "alert_refired": {"icon": "bell", "status": "firing", "key": False},
    "alert_resolved": {"icon": "bell", "status": "resolved", "key": False},
    "correlated": {"icon": "merge", "status": "", "key": False},
    "merge": {"icon": "merge", "status": "", "key": True},
    "split": {"icon": "split", "status": "", "key": True},
    "move": {"icon": "split", "status": "", "key": True},
    "deploy": {"icon": "deploy", "status": "", "key": True},
    "anomaly": {"icon": "pulse", "status": "open", "key": True},
    "analysis": {"icon": "flask", "status": "", "key": False},
    "cause": {"icon": "target", "status": "identified", "key": True},
    "remediation": {"icon": "inbox", "status": "proposed", "key": True},
    "remediation_approved": {"icon": "check", "status": "approved", "key": True},
    "remediation_rejected": {"icon": "x", "status": "rejected", "key": True},
    "remediation_expired": {"icon": "clock", "status": "expired", "key": False},
    "policy": {"icon": "shield", "status": "", "key": True},
    "execution": {"icon": "play", "status": "running", "key": True},
    "execution_step": {"icon": "play", "status": "running", "key": False},
    "execution_succeeded": {"icon": "flag", "status": "succeeded", "key": True},
    "execution_failed": {"icon": "critical", "status": "failed", "key": True},
    "execution_unknown": {"icon": "help", "status": "unknown", "key": True},
    "verification": {"icon": "monitoring", "status": "monitoring", "key": True},
    "notification": {"icon": "bell", "status": "", "key": False},
    "knowledge": {"icon": "book", "status": "", "key": True},
    "pinned": {"icon": "pin", "status": "", "key": False},
    "unpinned": {"icon": "pin", "status": "", "key": False},
    "other": {"icon": "info", "status": "", "key": False},
}


@register.simple_tag
def timeline_kinds() -> SafeString:
    """Hand the table to timeline.js."""
    return json_script(LOOKS, "timeline-kinds")


@register.inclusion_tag("partials/timeline_entry.html")
def timeline_entry(
    entry: TimelineEntry, *, pins: Collection[int] = (), may_pin: bool = False
) -> dict[str, Any]:
    """Draw one entry as timeline.js would; ``pins`` holds each ``seq`` that is pinned."""
    shown = look(entry.kind, entry.payload)
    return {"entry": entry, "look": shown, "is_pinned": entry.seq in pins, "may_pin": may_pin}


def look(kind: str, payload: Mapping[str, Any]) -> Look:
    """Icon, status colour and whether it is a key event."""
    found = LOOKS.get(kind) or LOOKS.get(kind.partition("_")[0]) or LOOKS["other"]
    to = payload.get("to")
    if not found.get("by_to"):
        return found
    if to in Incident.Status.values:
        return {**found, "icon": to, "status": to}
    return {**found, "icon": to} if to in Severity.values else found
