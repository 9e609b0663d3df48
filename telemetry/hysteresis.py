"""When single odd points become an alert, and when enough normal ones end it."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Change = Literal["raised", "cleared"]


@dataclass(slots=True)
class Hysteresis:
    """Raised by `trips` anomalous points among the last `among`; cleared by `calm` normal ones
    in a row. A point that could not be judged is not to be shown to it."""

    trips: int = 3
    among: int = 5
    calm: int = 10
    is_raised: bool = field(default=False, init=False)
    _recent: deque[bool] = field(default_factory=deque, init=False)
    _normal_in_a_row: int = field(default=0, init=False)

    def observe(self, *, is_anomalous: bool) -> Change | None:
        """What this point changed, or None."""
        self._remember(is_anomalous=is_anomalous)
        if not self.is_raised and sum(self._recent) >= self.trips:
            self.is_raised = True
            return "raised"
        if self.is_raised and self._normal_in_a_row >= self.calm:
            self.is_raised = False
            self._recent.clear()
            return "cleared"
        return None

    def state(self) -> dict[str, Any]:
        """JSON-serialisable; the settings are not part of it."""
        return {
            "is_raised": self.is_raised,
            "recent": list(self._recent),
            "normal_in_a_row": self._normal_in_a_row,
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Raises KeyError for a state this class did not write."""
        self.is_raised = bool(state["is_raised"])
        self._recent = deque(map(bool, state["recent"]))
        self._normal_in_a_row = int(state["normal_in_a_row"])
        return self

    def _remember(self, *, is_anomalous: bool) -> None:
        self._recent.append(is_anomalous)
        while len(self._recent) > self.among:
            self._recent.popleft()
        self._normal_in_a_row = 0 if is_anomalous else self._normal_in_a_row + 1
