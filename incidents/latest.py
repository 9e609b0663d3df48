"""The last things that arrived from a source: proof that the pipe works, or why it does not."""

from typing import Any

from django.db.models import Count, Max

from incidents.explaining import Explanation, explain
from incidents.models import Integration, Message
from incidents.sample_alerts import METRICS
from telemetry.chart_loading import as_moment
from telemetry.models import Series

SHOWN_PROBLEMS = 5


def latest_of(integration: Integration) -> dict[str, Any]:
    if integration.provider == METRICS.slug:
        return {"integration": integration, "metrics": _metrics()}
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


def _metrics() -> dict[str, Any]:
    """Points do not remember who sent them, so this is about all that were kept."""
    found = Series.objects.aggregate(
        series=Count("pk"), services=Count("service", distinct=True), newest=Max("last_at_ms")
    )
    return {**found, "last_at": as_moment(found["newest"]) if found["newest"] else None}
