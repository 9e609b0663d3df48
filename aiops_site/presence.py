"""Who has a page open: kept in memory, told from process to process, forgotten by itself.

A process with viewers says every few seconds who they are. One that was killed says nothing more
and is forgotten; there is no row to tidy up. Names are hints: a lost one comes again.
"""

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

SAY_SECONDS = 5.0
FORGET_SECONDS = 20.0
MOST_SAID = 20


@dataclass(frozen=True, slots=True)
class Viewer:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What another process said last. `at` is a moment of the monotonic clock."""

    viewers: list[Viewer]
    at: float


class Presence:
    """The viewers of each group of the channel layer; one a process."""

    def __init__(self) -> None:
        self.process = ""
        self.here: dict[str, dict[str, Viewer]] = {}
        self.elsewhere: dict[str, dict[str, Heard]] = {}
        self.said_at: dict[str, float] = {}

    def enter(self, group: str, channel: str, viewer: Viewer) -> None:
        self.process = self.process or uuid4().hex  # not at import, which forked children share
        self.here.setdefault(group, {})[channel] = viewer

    def leave(self, group: str, channel: str) -> None:
        self.here.get(group, {}).pop(channel, None)
        if not self.here.get(group):
            for known in (self.here, self.elsewhere, self.said_at):
                known.pop(group, None)

    def say(self, group: str) -> dict[str, Any] | None:
        """The message for the group, when it is time for one."""
        now = time.monotonic()
        if group not in self.here or now < self.said_at.get(group, 0.0) + SAY_SECONDS:
            return None
        self.said_at[group] = now
        people = {viewer.id: viewer.name for viewer in self.here[group].values()}
        viewers = sorted(people.items())[:MOST_SAID]
        return {"type": "viewers", "group": group, "process": self.process, "viewers": viewers}

    def hear(self, message: dict[str, Any]) -> None:
        if message["process"] == self.process or message["group"] not in self.here:
            return
        viewers = [Viewer(*viewer) for viewer in message["viewers"]]
        heard = self.elsewhere.setdefault(message["group"], {})
        heard[message["process"]] = Heard(viewers, time.monotonic())

    def others(self, group: str, viewer: Viewer) -> list[str]:
        """The names of everybody else, each once, in order."""
        since = time.monotonic() - FORGET_SECONDS
        heard = [each for each in self.elsewhere.get(group, {}).values() if each.at > since]
        mine = self.here.get(group, {}).values()
        everybody = [*(v for each in heard for v in each.viewers), *mine]
        people = {each.id: each.name for each in everybody if each.id != viewer.id}
        return sorted(people.values())


presence = Presence()
