"""Entries of the timeline that people pin, since they tell the story.

A pin is an entry itself: every open page learns of it in order, and what was written stays as it
was.
"""

from django.contrib.auth.models import User
from django.db import transaction

from incidents import lifecycle
from incidents.lifecycle import InvalidTransition
from incidents.models import Incident

PINNED, UNPINNED = "pinned", "unpinned"
LONGEST_QUOTE = 200


def pins_of(incident: Incident) -> set[int]:
    """The `seq` of each entry that is pinned now."""
    held: set[int] = set()
    marks = incident.timeline.filter(kind__in=(PINNED, UNPINNED)).order_by("seq")
    for kind, payload in marks.values_list("kind", "payload"):
        (held.add if kind == PINNED else held.discard)(payload["seq"])
    return held


@transaction.atomic
def pin(number: int, *, seq: int, is_pinned: bool, by: User) -> Incident:
    """Pins an entry, or takes that back. Repeating is harmless. Raises `InvalidTransition`."""
    incident = lifecycle.locked(number)
    entry = incident.timeline.filter(seq=seq).exclude(kind__in=(PINNED, UNPINNED)).first()
    if entry is None:
        raise InvalidTransition(f"{incident} has no entry {seq} that could be pinned.")
    if (seq in pins_of(incident)) == is_pinned:
        return incident
    kind, word = (PINNED, "Pinned") if is_pinned else (UNPINNED, "Unpinned")
    text = f"{word} “{entry.text[:LONGEST_QUOTE]}”"
    lifecycle.record(incident, kind, text, actor=by.username, payload={"seq": seq})
    return incident
