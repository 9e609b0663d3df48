"""One service under suspicion: what is known about it, and what speaks for and against it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from incidents.analysis import recent_changes
from incidents.analysis.finding import Evidence
from incidents.analysis.words import plain, speaks_of_down
from incidents.models import Alert

LEAST_JUDGED = 3
HARMLESS = "traffic"
_OF_CHANGE = ((600, 0.20), (1800, 0.10), (3600, 0.05))
_HOW = {
    "latency": "is slow",
    "errors": "fails requests",
    "resource": "runs out of a resource",
    "saturation": "is saturated",
}


@dataclass(frozen=True, slots=True)
class Term:
    """What one observation adds to the confidence, or takes away from it."""

    points: float
    evidence: Evidence


@dataclass(slots=True)
class Suspect:
    """`below` are suspicious services it depends on; offsets count seconds from the onset."""

    service: str
    alerts: list[tuple[Alert, int]] = field(default_factory=list)
    departures: list[dict[str, Any]] = field(default_factory=list)
    blamed: list[dict[str, Any]] = field(default_factory=list)
    silent: dict[str, Any] | None = None
    judged: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    is_earliest: bool = False
    depth: int = 0

    @property
    def down(self) -> tuple[Alert, int] | None:
        """The alert that says this service itself is down, with its offset."""
        said = (pair for pair in self.alerts if speaks_of_down(pair[0].name, pair[0].summary))
        return next(said, None)

    @property
    def is_well(self) -> bool:
        """By its own account nothing is wrong with it."""
        is_judged = self.judged >= LEAST_JUDGED
        return is_judged and not (self.alerts or self.departures or self.silent)

    @property
    def is_suspicious(self) -> bool:
        symptoms = self.alerts or self.departures or self.silent
        return bool(symptoms) or bool(self.blamed and not self.is_well)

    @property
    def first_offset(self) -> int | None:
        own = [offset for _, offset in self.alerts]
        seen = [*self.departures, *self.blamed, *([self.silent] if self.silent else [])]
        return min([*own, *(fact["offset_seconds"] for fact in seen)], default=None)

    @property
    def title(self) -> str:
        """The cause in words, for example "checkout is down"."""
        if self.down:
            return f"{self.service} is down"
        if self.silent:
            return f"{self.service} stopped reporting"
        kinds = [d["kind"] for d in self.departures] + [d["kind"] for d in self.blamed]
        how = next((_HOW[kind] for kind in kinds if kind in _HOW), "")
        if how:
            return f"{self.service} {how}"
        if self.alerts:
            return f"{self.service}: {self.alerts[0][0].name}"
        return f"{self.service} was changed" if self.changes else self.service

    def terms(self) -> Iterator[Term]:
        """The confidence is `BASE` plus these points, see `root_cause`."""
        yield from self._terms_of_alerts()
        yield from self._terms_of_metrics()
        yield from self._terms_of_place()
        yield from self._terms_of_changes()
        if self.is_earliest:
            text = f"The first symptom of all was on {self.service}"
            yield Term(0.10, Evidence("alert", text, self.first_offset))

    def _terms_of_alerts(self) -> Iterator[Term]:
        if self.down:
            alert, at = self.down
            yield Term(0.35, _of_alert(alert, at, "says the service itself is down"))
        elif self.alerts:
            alert, at = self.alerts[0]
            yield Term(0.15, _of_alert(alert, at, "fired on it"))
        else:
            yield Term(0.0, Evidence("alert", f"No alert names {self.service}", against=True))

    def _terms_of_metrics(self) -> Iterator[Term]:
        if self.silent:
            text = f"{self.service} sent no metrics for {self.silent['quiet_seconds']} s"
            yield Term(0.20, Evidence("metric", text, self.silent["offset_seconds"]))
        if self.departures:
            worst = self.departures[0]
            yield Term(0.15, Evidence("metric", worst["text"], worst["offset_seconds"]))
        elif self.judged >= LEAST_JUDGED and not self.down and not self.silent:
            text = f"All {self.judged} metrics of {self.service} are as expected"
            yield Term(-0.10, Evidence("metric", text, against=True))
        if self.blamed:
            worst = self.blamed[0]
            yield Term(0.15, Evidence("metric", worst["text"], worst["offset_seconds"]))

    def _terms_of_place(self) -> Iterator[Term]:
        if not self.below:
            text = f"Nothing that {self.service} depends on shows trouble"
            yield Term(0.15, Evidence("topology", text))
        else:
            below, show = ", ".join(self.below[:3]), "shows" if len(self.below) == 1 else "show"
            text = f"{self.service} depends on {below}, which {show} trouble too"
            points = -0.10 if self.down else -0.25
            yield Term(points, Evidence("topology", text, against=True))

    def _terms_of_changes(self) -> Iterator[Term]:
        """The closest to the onset counts, the others are only told."""
        for place, change in enumerate(self.changes[:3]):
            ago = -change["offset_seconds"]
            points = next((points for limit, points in _OF_CHANGE if ago <= limit), 0.0)
            yield Term(0.0 if place else points, recent_changes.evidence(change))


def is_bad(departure: dict[str, Any]) -> bool:
    """Too much of something. Too little, or more traffic, mostly is the effect of other trouble."""
    return bool(departure["is_above"]) and departure["kind"] != HARMLESS


def _of_alert(alert: Alert, at: int, means: str) -> Evidence:
    text = alert.name if not alert.summary else f"{alert.name}: {_short(alert.summary)}"
    return Evidence("alert", f"{text} {means}" if plain(text) else means, at, url=alert.url)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 160 else f"{words[:159]}…"
