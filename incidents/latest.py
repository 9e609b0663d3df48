"""The last things that arrived from a source: proof that the pipe works, or why it does not."""

from typing import Any

from incidents.connecting import TELEMETRY
from incidents.explaining import Explanation, explain
from incidents.models import Integration, Message
from telemetry.arrivals import arrived

SHOWN_PROBLEMS = 5


def latest_of(integration: Integration) -> dict[str, Any]:
    if integration.provider in TELEMETRY:
        return {"integration": integration, "metrics": arrived(integration.provider)}
    newest = integration.messages.select_related("integration").order_by("-pk").first()
    explanation = explain(newest) if newest else Explanation([], [])
    parts = explanation.parts
    return {
        "integration": integration,
        "metrics": None,
        "newest": newest,
        "seconds": _seconds(newest),
        "first": parts[0] if parts else None,
        "others": len(parts) - 1 + explanation.hidden if parts else 0,
        "problems": explanation.problems,
        "unreadable": list(
            integration.messages.dead().defer("body").order_by("-pk")[:SHOWN_PROBLEMS]
        ),
    }


def _seconds(message: Message | None) -> float | None:
    """From being accepted to being an alert."""
    if message is None or message.processed_at is None:
        return None
    return (message.processed_at - message.received_at).total_seconds()
