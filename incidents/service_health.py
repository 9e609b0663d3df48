"""How a service is doing, in one word and with the reasons for it."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils import timezone

from incidents.models import Incident
from incidents.service_signs import Signs, Traffic, signs_of
from telemetry.models import Service

RANKS = {"down": 0, "degraded": 1, "unknown": 2, "healthy": 3}
STATE_ICONS = {"down": "critical", "degraded": "medium", "unknown": "help", "healthy": "resolved"}
TROUBLE = {"down", "degraded"}
FAILING = 0.5
ERRING = 0.05
FEWEST_CALLS = 1.0
"""A minute; the share of fewer says nothing."""
SHOWN_REASONS = 2


@dataclass(frozen=True, slots=True)
class Health:
    """`word` is down, degraded, unknown or healthy; `incidents` are those open, worst first."""

    word: str
    said: tuple[str, ...]
    incidents: list[Incident] = field(default_factory=list)
    traffic: Traffic | None = None

    @property
    def rank(self) -> int:
        return RANKS[self.word]

    @property
    def is_erring(self) -> bool:
        return _error_share(self.traffic) >= ERRING

    @property
    def reasons(self) -> tuple[str, ...]:
        """Of one that is well the numbers too, which are written only when they are read."""
        is_well = self.word == "healthy"
        return (*self.said, self.traffic.words) if self.traffic and is_well else self.said

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons[:SHOWN_REASONS])


def health_of(services: Collection[Service]) -> dict[int, Health]:
    """By service.

    Down: suspected cause of an open incident of the kind "service_down", or half of its calls fail.
    Degraded: touched by any open incident, 5 % of its calls fail, out of its expected range, or
    something it calls is down. Unknown: nothing was heard of it lately.
    """
    now = timezone.now()
    signs = signs_of([service.pk for service in services], now)
    judged = {pk: _judge(pk, sign, now) for pk, sign in signs.items()}
    down = {pk for pk, health in judged.items() if health.word == "down"}
    return {s.pk: _with_callees(judged[s.pk], signs[s.pk], signs, down) for s in services}


def count_words(health: Iterable[Health]) -> dict[str, int]:
    """How many are in which state, the worst state first, also of those nobody is in."""
    counts = Counter(each.word for each in health)
    return {word: counts[word] for word in RANKS}


def _judge(pk: int, signs: Signs, now: datetime) -> Health:
    error_share = _error_share(signs.traffic)
    reasons = [f"{each}: {each.title}" for each in signs.incidents[:1]]
    if signs.traffic and error_share >= ERRING:
        reasons.append(signs.traffic.words)
    reasons += signs.anomalies
    if not reasons:
        return _calm(signs, now)
    is_down = error_share >= FAILING or any(_takes_down(each, pk) for each in signs.incidents)
    word = "down" if is_down else "degraded"
    return Health(word, tuple(reasons), signs.incidents, signs.traffic)


def _calm(signs: Signs, now: datetime) -> Health:
    if not signs.is_heard(now):
        return Health("unknown", (_silence(signs),))
    return Health("healthy", ("no open incident, nothing out of range",), [], signs.traffic)


def _error_share(traffic: Traffic | None) -> float:
    if traffic is None or traffic.calls_per_minute < FEWEST_CALLS:
        return 0.0
    return traffic.error_share


def _takes_down(incident: Incident, service: int) -> bool:
    return incident.classification == "service_down" and incident.service_id == service


def _silence(signs: Signs) -> str:
    if signs.heard_at is None:
        return "never an alert, and no metric or call in the last ten minutes"
    return f"its last metric came at {signs.heard_at:%Y-%m-%d %H:%M} UTC"


def _with_callees(
    health: Health, signs: Signs, every: dict[int, Signs], down: Collection[int]
) -> Health:
    """Whatever calls something that is down suffers, and is told so by name."""
    failed = [every[pk].slug for pk in signs.callees if pk in down]
    if not failed:
        return health
    reason = f"calls {', '.join(failed[:3])}, which {'is' if len(failed) == 1 else 'are'} down"
    if health.word in TROUBLE:
        return replace(health, said=(*health.said, reason))
    return replace(health, word="degraded", said=(reason,))
