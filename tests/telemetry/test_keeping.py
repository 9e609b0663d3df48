import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection

from telemetry import keeping
from telemetry.models import Point, Series, Service, Watch
from telemetry.samples import Sample

pytestmark = pytest.mark.django_db
NOW_MS = 1_790_000_000_000


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    keeping.forget_series()
    yield
    keeping.forget_series()


def sample(name: str = "queue.length", **facts: Any) -> Sample:
    usual = {
        "service": "checkout",
        "name": name,
        "labels": {},
        "at_ms": NOW_MS,
        "value": 3.0,
        "unit": "",
        "kind": "gauge",
    }
    return Sample(**(usual | facts))


def test_the_first_sample_makes_the_service_the_series_and_the_point():
    refused = keeping.keep([sample(unit="s", labels={"route": "/orders"})])

    series = Series.objects.get()
    assert refused == 0
    assert (series.service.slug, series.name, series.unit) == ("checkout", "queue.length", "s")
    assert series.labels == {"route": "/orders"}
    assert list(Point.objects.values_list("at_ms", "value")) == [(NOW_MS, 3.0)]


def test_the_same_samples_again_change_nothing():
    keeping.keep([sample(value=3.0)])

    keeping.keep([sample(value=99.0)])

    assert Point.objects.get().value == 3.0
    assert Series.objects.count() == Watch.objects.count() == Service.objects.count() == 1


def test_labels_in_another_order_are_the_same_series():
    keeping.keep([sample(labels={"a": "1", "b": "2"})])

    keeping.keep([sample(labels={"b": "2", "a": "1"}, at_ms=NOW_MS + 1)])

    assert Series.objects.count() == 1
    assert Point.objects.count() == 2


@pytest.mark.parametrize(
    "other", [{"service": "payments"}, {"name": "queue.age"}, {"labels": {"a": "1"}}]
)
def test_service_name_and_labels_tell_series_apart(other: dict[str, Any]):
    keeping.keep([sample(), sample(**other)])

    assert Series.objects.count() == 2


def test_a_service_that_is_known_keeps_what_people_said_about_it():
    Service.objects.create(slug="checkout", tier=1, owner="orders")

    keeping.keep([sample(service="Checkout")])

    service = Service.objects.get()
    assert (service.tier, service.owner, service.series.count()) == (1, "orders", 1)


@pytest.mark.parametrize(
    ("name", "slug", "title"),
    [
        ("支付", "service-5d3ba34c", "支付"),
        ("Payment Service", "payment-service", "Payment Service"),
        ("-", "unknown-service", "unknown_service"),
    ],
)
def test_metrics_of_a_service_are_kept_whatever_it_is_called(name: str, slug: str, title: str):
    refused = keeping.keep([sample(service=name)])

    service = Series.objects.get().service
    assert (refused, service.slug, service.name) == (0, slug, title)


@pytest.mark.parametrize(
    "name", ["http.server.request.duration.p95", "shop.errors.rate", "process.memory.usage"]
)
def test_an_anomaly_of_what_hurts_raises_an_alert(name: str):
    keeping.keep([sample(name)])

    assert Watch.objects.get().raises_alerts


@pytest.mark.parametrize("name", ["http.server.request.duration.rate", "queue.length"])
def test_other_series_only_get_their_band_drawn(name: str):
    keeping.keep([sample(name)])

    assert not Watch.objects.get().raises_alerts


@pytest.mark.parametrize("statistic", ["p50", "p99", "mean"])
def test_one_quantile_of_a_histogram_is_watched_and_not_the_others(statistic: str):
    keeping.keep([sample(f"http.server.request.duration.{statistic}")])

    assert not Watch.objects.exists()


def test_a_watch_that_a_person_disabled_stays_so_after_a_restart():
    keeping.keep([sample()])
    Watch.objects.update(is_enabled=False, raises_alerts=True)
    keeping.forget_series()

    keeping.keep([sample(at_ms=NOW_MS + 1)])

    watch = Watch.objects.get()
    assert (watch.is_enabled, watch.raises_alerts) == (False, True)


def test_new_series_beyond_the_cap_are_refused_and_known_ones_go_on(monkeypatch: Any):
    monkeypatch.setattr(keeping, "MAX_SERIES", 2)
    keeping.keep([sample("a"), sample("b")])

    refused = keeping.keep([sample("a", at_ms=NOW_MS + 1), sample("c"), sample("d")])

    assert refused == 2
    assert list(Series.objects.values_list("name", flat=True)) == ["a", "b"]
    assert Point.objects.count() == 3


def test_names_and_units_longer_than_a_column_are_cut():
    keeping.keep([sample("n" * 255, unit="u" * 100, service="s" * 255)])

    series = Series.objects.get()
    assert (len(series.name), len(series.unit), len(series.service.slug)) == (200, 40, 100)


@pytest.mark.django_db(transaction=True)
def test_a_series_that_was_deleted_comes_back_with_the_next_export():
    keeping.keep([sample()])
    Series.objects.all().delete()

    with pytest.raises(DatabaseError):
        keeping.keep([sample(at_ms=NOW_MS + 1)])
    keeping.keep([sample(at_ms=NOW_MS + 1)])

    assert Point.objects.get().at_ms == NOW_MS + 1


@pytest.mark.django_db(transaction=True)
def test_an_export_that_could_not_be_committed_can_be_sent_again():
    def interrupted() -> Iterator[Sample]:
        yield sample()
        raise DatabaseError("the server went away")

    with pytest.raises(DatabaseError):
        keeping.keep(interrupted())
    keeping.keep([sample()])

    assert Point.objects.count() == Series.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_threads_that_meet_a_new_series_at_once_make_one():
    def work(offset: int) -> None:
        keeping.keep([sample(at_ms=NOW_MS + offset)])
        connection.close()

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert Series.objects.count() == Watch.objects.count() == 1
    assert Point.objects.count() == 6
