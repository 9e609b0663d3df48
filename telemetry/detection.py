"""The worker judges new points, draws their expected band, and says when an anomaly begins or ends.

What a detector has learnt stays in the worker's memory and is saved now and then; after a restart
it is read back and shown the points since, so nothing is judged twice and nothing is forgotten.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from telemetry.detectors import make_detector
from telemetry.detectors.base import Detector, Judgement
from telemetry.hysteresis import Hysteresis
from telemetry.models import Anomaly, Point, Watch
from telemetry.signals import anomaly_began, anomaly_ended, points_judged

SAVE_EVERY_MS = 30_000
LEARN_ANEW_MS = 900_000
POINTS_A_TURN = 5_000
ALARM = {"trips": 5, "among": 6, "calm": 10}
KEEP_POINTS = timedelta(hours=24)
FORGET_A_TURN = 5_000
log = logging.getLogger(__name__)


@dataclass
class Desk:
    """A watch at work: its detector and its alarm, having seen everything until `at_ms`."""

    detector: Detector
    alarm: Hysteresis
    at_ms: int
    settings: dict[str, Any]

    def state(self) -> dict[str, Any]:
        return {"detector": self.detector.state(), "alarm": self.alarm.state()}


_desks: dict[int, Desk] = {}


@transaction.atomic
def judge_new_points() -> int:
    """Judges what no detector has seen yet; returns how many points. Watches are locked."""
    points = _unjudged()
    watches = Watch.objects.select_for_update(of=("self",), skip_locked=True).filter(
        series__in=list(points), is_enabled=True
    )
    touched = list(watches.select_related("series__service"))
    judged = [point for watch in touched for point in _judge(watch, points[watch.series_id])]
    _save(touched, judged)
    services = {watch.series.service.slug for watch in touched}
    if services:
        transaction.on_commit(partial(points_judged.send, sender=Watch, services=services))
    return len(judged)


@transaction.atomic
def end_anomaly_of(watch: Watch, at: datetime) -> None:
    """Nobody watches for its end any more. Said at once, not after commit: by then the watch may
    be gone, and with it whether it raised an alert that has to be resolved."""
    anomaly = _open_anomalies(watch).select_for_update().first()
    if anomaly is not None:
        anomaly.ended_at = at
        anomaly.save(update_fields=["ended_at"])
        anomaly_ended.send(sender=Anomaly, anomaly_id=anomaly.pk)


def forget_old_points(at: datetime) -> int:
    """Deletes in small batches, so that nobody waits long for the lock."""
    before_ms = int((at - KEEP_POINTS).timestamp() * 1000)
    forgotten = 0
    while ids := list(
        Point.objects.filter(at_ms__lt=before_ms).values_list("pk", flat=True)[:FORGET_A_TURN]
    ):
        forgotten += Point.objects.filter(pk__in=ids).delete()[0]
    return forgotten


def _unjudged() -> dict[int, list[Point]]:
    new = Point.objects.filter(
        series__watch__is_enabled=True, at_ms__gt=F("series__watch__judged_until_ms")
    )
    by_series: dict[int, list[Point]] = defaultdict(list)
    for point in new.order_by("at_ms")[:POINTS_A_TURN]:
        by_series[point.series_id].append(point)
    return by_series


def _judge(watch: Watch, points: list[Point]) -> list[Point]:
    desk = _desk(watch)
    fresh = [point for point in points if point.at_ms > watch.judged_until_ms]
    for point in fresh:
        judgement = desk.detector.observe(point.at_ms, point.value)
        point.lower, point.upper = judgement.lower, judgement.upper
        point.score = None if judgement.is_learning else judgement.score
        watch.is_learning = judgement.is_learning
        if not judgement.is_learning:
            _mind(watch, desk, point, judgement)
        desk.at_ms = watch.judged_until_ms = point.at_ms
    return fresh


def _desk(watch: Watch) -> Desk:
    desk = _desks.get(watch.pk)
    if desk is None or _is_outdated(desk, watch) or _is_misled(desk, watch):
        desk = _desks[watch.pk] = _reopened(watch)
    return desk


def _is_outdated(desk: Desk, watch: Watch) -> bool:
    return desk.at_ms != watch.judged_until_ms or desk.settings != watch.settings


def _is_misled(desk: Desk, watch: Watch) -> bool:
    """It believes in an anomaly that has been ended meanwhile, and would never raise another."""
    return desk.alarm.is_raised and not _open_anomalies(watch).exists()


def _open_anomalies(watch: Watch) -> QuerySet[Anomaly]:
    return Anomaly.objects.filter(series=watch.series_id, ended_at=None)


def _reopened(watch: Watch) -> Desk:
    """What was saved, and the points since, shown to the detector again without consequences."""
    desk = _restored(watch)
    since = Point.objects.filter(
        series=watch.series_id, at_ms__gt=desk.at_ms, at_ms__lte=watch.judged_until_ms
    )
    for point in since.order_by("at_ms"):
        judgement = desk.detector.observe(point.at_ms, point.value)
        if not judgement.is_learning:
            desk.alarm.observe(is_anomalous=judgement.score > 1)
    # late points among those shown may say otherwise
    desk.alarm.is_raised = _open_anomalies(watch).exists()
    desk.at_ms = watch.judged_until_ms
    return desk


def _restored(watch: Watch) -> Desk:
    """As it was saved. What another version saved is not read: the last minutes teach it anew."""
    desk = _new_desk(watch, watch.state_at_ms)
    if not watch.state:
        return desk
    try:
        desk.detector.restore(watch.state["detector"])
        desk.alarm.restore(watch.state["alarm"])
    except (KeyError, ValueError) as error:
        log.warning("What watch %s had learnt is not read: %s", watch.pk, error)
        return _new_desk(watch, watch.judged_until_ms - LEARN_ANEW_MS)
    return desk


def _new_desk(watch: Watch, at_ms: int) -> Desk:
    """A watch whose detector or settings are wrong is judged by the default, and said in the log:
    it must not keep the others from being judged."""
    try:
        detector = make_detector(watch.detector, **watch.settings)
    except (LookupError, ValueError, TypeError) as error:
        log.warning("Watch %s uses the default detector: %s", watch.pk, error)
        detector = make_detector(Watch._meta.get_field("detector").default)
    return Desk(detector, Hysteresis(**ALARM), at_ms, watch.settings)


def _mind(watch: Watch, desk: Desk, point: Point, judgement: Judgement) -> None:
    change = desk.alarm.observe(is_anomalous=judgement.score > 1)
    if change == "raised":
        _begin(watch, point, judgement)
    elif change == "cleared":
        _end(watch, point)
    elif desk.alarm.is_raised and judgement.score > 1:
        _open_anomalies(watch).filter(peak_score__lt=judgement.score).update(
            peak_score=judgement.score, value=point.value, lower=point.lower, upper=point.upper
        )


def _begin(watch: Watch, point: Point, judgement: Judgement) -> None:
    anomaly, is_new = Anomaly.objects.get_or_create(
        series=watch.series,
        ended_at=None,
        defaults={
            "started_at": _time(point),
            "peak_score": judgement.score,
            "value": point.value,
            "lower": judgement.lower or 0.0,
            "upper": judgement.upper or 0.0,
        },
    )
    if is_new:
        _tell(anomaly_began, anomaly)


def _end(watch: Watch, point: Point) -> None:
    anomaly = _open_anomalies(watch).first()
    if anomaly is not None:
        anomaly.ended_at = _time(point)
        anomaly.save(update_fields=["ended_at"])
        _tell(anomaly_ended, anomaly)


def _tell(signal: Any, anomaly: Anomaly) -> None:
    transaction.on_commit(partial(signal.send, sender=Anomaly, anomaly_id=anomaly.pk))


def _time(point: Point) -> datetime:
    return datetime.fromtimestamp(point.at_ms / 1000, tz=UTC)


def _save(watches: list[Watch], points: list[Point]) -> None:
    Point.objects.bulk_create(
        points,
        update_conflicts=True,
        unique_fields=["series", "at_ms"],
        update_fields=["lower", "upper", "score"],
    )
    Watch.objects.bulk_update(watches, ["judged_until_ms", "is_learning"])
    due = [w for w in watches if w.judged_until_ms - w.state_at_ms > SAVE_EVERY_MS]
    for watch in due:
        watch.state, watch.state_at_ms = _desks[watch.pk].state(), watch.judged_until_ms
    Watch.objects.bulk_update(due, ["state", "state_at_ms"])
