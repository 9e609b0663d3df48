"""A part of the console on the status page, and how its state is judged."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "degraded", "down"]
OK: State = "ok"
DEGRADED: State = "degraded"
DOWN: State = "down"


@dataclass(frozen=True, slots=True)
class Tile:
    """`detail` names the threshold, `advice` what to do; it is shown only when not ok."""

    title: str
    state: State
    value: str
    detail: str
    advice: str
    url_name: str = ""


def judged(value: float, *, degraded: float, down: float) -> State:
    """More is worse; a limit itself counts as reached."""
    if value >= down:
        return DOWN
    return DEGRADED if value >= degraded else OK


def took(seconds: float) -> str:
    """For example "3 s", "4 min", "2 h"."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
