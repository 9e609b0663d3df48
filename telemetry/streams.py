"""New points as the socket sends them: batches of all series of a service."""

from typing import Any

from telemetry.models import Point

LIVE_MS = 15_000


def point_frames(service: str, after: int, limit: int) -> list[dict[str, Any]]:
    """At most one frame: every judged or measured point after `after` (ms), by series id.

    A page that comes without a position gets the last few seconds; history comes by HTTP.
    """
    points = Point.objects.filter(series__service__slug=service)
    newest = points.order_by("-at_ms").values_list("at_ms", flat=True).first()
    if newest is None or newest <= after:
        return []
    since = max(after, newest - LIVE_MS)
    rows = points.filter(at_ms__gt=since, at_ms__lte=newest).order_by("at_ms")
    frame: dict[str, dict[str, list[float | int | None]]] = {}
    for point in rows:
        series = frame.setdefault(
            str(point.series_id), {"x": [], "y": [], "lower": [], "upper": [], "score": []}
        )
        series["x"].append(point.at_ms)
        series["y"].append(point.value)
        series["lower"].append(point.lower)
        series["upper"].append(point.upper)
        series["score"].append(point.score)
    return [{"seq": newest, "kind": "points", "points": frame}]
