"""What a store of metrics promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from telemetry.store.frames import Batch, Frame, Matcher

Selector = Sequence[Matcher]


class TooMuch(Exception):
    """A question would read more samples than one may; the message says how to ask for less."""


@dataclass(frozen=True, slots=True)
class Appended:
    """How many samples were kept, and how many were refused for which reason.

    A sample that was kept before counts as kept.
    """

    kept: int
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compacted:
    """How many samples were packed; without `is_done` another turn is due at once."""

    samples: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Size:
    """What a store holds; the times are None while it is empty.

    `disk_bytes` is the whole file or schema, with other telemetry in it.
    """

    series: int
    samples: int
    disk_bytes: int
    oldest_ms: int | None
    newest_ms: int | None


class MetricStore(Protocol):
    """Several processes may use one store at the same time, each with a MetricStore of its own.

    Every deed raises `database.Unavailable` when the database does not let us in.
    """

    def append(self, batch: Batch) -> Appended:
        """Committed when it returns. Of samples of one series and time the first stays."""

    def select(self, matchers: Selector, start_ms: int, end_ms: int) -> list[Frame]:
        """Both ends included; every series is in one frame. Raises TooMuch and InvalidPattern."""

    def series(
        self, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> list[Mapping[str, str]]:
        """The labels of series that match one of the selectors; of all when there is none.

        What was measured when is known to the hour here and in the two below.
        """

    def label_names(
        self, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> list[str]: ...

    def label_values(
        self, name: str, selectors: Sequence[Selector], start_ms: int, end_ms: int
    ) -> list[str]: ...

    def compact(self, now_ms: int) -> Compacted:
        """Packs what has come, for two seconds or so. Can be killed and run again."""

    def roll_up(self, before_ms: int) -> Compacted:
        """Of whole days before that only the last sample of every five minutes is kept.

        Takes turns as `compact` does.
        """

    def forget(self, before_ms: int) -> int:
        """Deletes what is older, and series without samples. Returns how many blocks that was."""

    def size(self) -> Size: ...

    def close(self) -> None: ...
