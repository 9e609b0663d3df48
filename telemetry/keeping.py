"""Samples become points of the built-in store."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import orjson
from django.db import DatabaseError, transaction

from telemetry.golden import is_watched, raises_alerts
from telemetry.models import Point, Series, Service, Watch
from telemetry.samples import Sample
from telemetry.service_names import slug_of, title_of

MAX_SERIES = 20_000
NAMELESS = "unknown_service"


def keep(samples: Iterable[Sample]) -> int:
    """Commits the points; one that was kept before is left as it is.

    Returns how many were refused because there are `MAX_SERIES` series: a sender whose labels never
    end must not fill the disk, and the series that are known go on. After a DatabaseError nothing
    was kept, and the same samples may be given again.
    """
    try:
        return _keep(samples)
    except DatabaseError:
        forget_series()  # some may have been undone with the rest, or deleted by somebody
        raise


def key_of(sample: Sample) -> str:
    identity = [sample.service, sample.name, sorted(sample.labels.items())]
    return hashlib.sha256(orjson.dumps(identity)).hexdigest()


def forget_series() -> None:
    """After series were deleted: look the rest up again."""
    _known.clear()


_known: dict[str, int] = {}


@transaction.atomic
def _keep(samples: Iterable[Sample]) -> int:
    points, refused = [], 0
    for sample in samples:
        series_id = _series_id(sample)
        if series_id is None:
            refused += 1
            continue
        points.append(Point(series_id=series_id, at_ms=sample.at_ms, value=sample.value))
    Point.objects.bulk_create(points, ignore_conflicts=True)
    _note_newest(points)
    return refused


def _note_newest(points: list[Point]) -> None:
    """The points of one export mostly share their time, so this is mostly one statement."""
    newest: dict[int, int] = {}
    for point in points:
        newest[point.series_id] = max(point.at_ms, newest.get(point.series_id, 0))
    at_the_same_time: dict[int, list[int]] = defaultdict(list)
    for series_id, at_ms in newest.items():
        at_the_same_time[at_ms].append(series_id)
    for at_ms, series in at_the_same_time.items():
        Series.objects.filter(pk__in=series, last_at_ms__lt=at_ms).update(last_at_ms=at_ms)


def _series_id(sample: Sample) -> int | None:
    key = key_of(sample)
    if key not in _known:
        found = Series.objects.filter(key=key).values_list("pk", flat=True).first()
        series_id = found or _create(sample, key)
        if series_id is None:
            return None
        _known[key] = series_id
    return _known[key]


def _create(sample: Sample, key: str) -> int | None:
    if _is_full():
        return None
    name = sample.service if slug_of(sample.service) else NAMELESS
    service, _ = Service.objects.get_or_create(
        slug=slug_of(name), defaults={"name": title_of(name)}
    )
    defaults = {
        "service": service,
        "name": sample.name[:200],
        "unit": sample.unit[:40],
        "labels": sample.labels,
    }
    series, _ = Series.objects.get_or_create(key=key, defaults=defaults)
    if is_watched(series.name):
        Watch.objects.get_or_create(
            series=series, defaults={"raises_alerts": raises_alerts(series.name)}
        )
    return series.pk


def _is_full() -> bool:
    return Series.objects.count() >= MAX_SERIES
