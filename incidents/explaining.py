"""What a delivery says and which alerts it became. Asking changes nothing."""

from dataclasses import dataclass

from incidents.event import AlertEvent
from incidents.fingerprint import fingerprint
from incidents.models import Alert, Message
from incidents.payload import UnreadablePayload, read_json
from incidents.providers import provider_for

SHOWN_EVENTS = 20
SKEW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Part:
    """One event, the alert it was folded into, if that is there already."""

    event: AlertEvent
    alert: Alert | None
    skew_seconds: float
    """How far the sender's clock is ahead of ours; 0 unless it is more than five minutes."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """At most the first `SHOWN_EVENTS` events; `problems` are the parts that could not be read."""

    parts: list[Part]
    problems: list[str]
    hidden: int = 0


def explain(message: Message) -> Explanation:
    integration = message.integration
    try:
        provider = provider_for(integration.provider, {"mapping": integration.mapping})
        parsed = provider.parse(read_json(bytes(message.body), message.content_type))
    except UnreadablePayload as error:
        return Explanation([], [str(error)])
    events = parsed.events[:SHOWN_EVENTS]
    problems = [f"item {each.index}: {each.reason}" for each in parsed.rejected[:SHOWN_EVENTS]]
    return Explanation(_parts(message, events), problems, len(parsed.events) - len(events))


def _parts(message: Message, events: tuple[AlertEvent, ...]) -> list[Part]:
    keys = [fingerprint(message.integration_id, event.key, event.labels) for event in events]
    known = Alert.objects.select_related("incident", "service").filter(fingerprint__in=keys)
    alerts = {alert.fingerprint: alert for alert in known}
    return [
        Part(event, alerts.get(key), _skew(message, event))
        for key, event in zip(keys, events, strict=True)
    ]


def _skew(message: Message, event: AlertEvent) -> float:
    """Only a start in the future tells: one in the past may simply have been some time ago."""
    if event.starts_at is None:
        return 0.0
    ahead = (event.starts_at - message.received_at).total_seconds()
    return ahead if ahead > SKEW_SECONDS else 0.0
