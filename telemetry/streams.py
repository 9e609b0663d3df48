"""New points as the socket sends them: batches of all series of a service."""

from typing import Any

from django.db.models import F, Q

from telemetry.models import Point

LIVE_MS = 15_000
OVERLAP_MS = 3_000
SEEN = Q(series__watch=None) | Q(series__watch__is_enabled=False)
JUDGED = Q(at_ms__lte=F("series__watch__judged_until_ms"))


def point_frames(service: str, after: int, limit: int) -> list[dict[str, Any]]:
    """At most one frame: the points since `after` (ms), by series id.

    A watched series' points come once the detector has judged them, so that they bring their band.
    The processes of a service do not report at the same moment: each frame goes a little further
    back than the last one ended, and the page takes of each series what it does not have. A page
    that comes without a position gets the last few seconds; history comes by HTTP.
    """
    points = Point.objects.filter(SEEN | JUDGED, series__service__slug=service)
    newest = points.order_by("-at_ms").values_list("at_ms", flat=True).first()
    if newest is None or newest <= after:
        return []
    since = max(after - OVERLAP_MS, newest - LIVE_MS)
    frame: dict[str, dict[str, list[float | int | None]]] = {}
    for point in points.filter(at_ms__gt=since, at_ms__lte=newest).order_by("at_ms"):
        series = frame.setdefault(
            str(point.series_id), {"x": [], "y": [], "lower": [], "upper": [], "score": []}
        )
        series["x"].append(point.at_ms)
        series["y"].append(point.value)
        series["lower"].append(point.lower)
        series["upper"].append(point.upper)
        series["score"].append(point.score)
    return [{"seq": newest, "kind": "points", "points": frame}]
