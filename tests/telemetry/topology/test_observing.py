"""From spans in the store to services, dependencies and versions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from telemetry import observed_calls, observing, own_records, tasks, topology_versions
from telemetry.models import Dependency, Service, TopologyVersion
from tests.telemetry.topology.made_spans import MINUTE, MS, Shop, span

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BEGAN = NOON - observed_calls.LATE - observed_calls.STRETCH


@pytest.fixture(autouse=True)
def own_spans(own_telemetry):
    yield
    own_records.spans().close()


def ns(at):
    return int(at.timestamp()) * 1_000_000_000


def send(*spans, at=BEGAN + timedelta(minutes=1)):
    """As if they had been made with their clock at `at`."""
    own_records.spans().append(replace(each, start_ns=ns(at) + each.start_ns) for each in spans)


def call(caller, callee, *, number=0, is_error=False, duration_ns=10 * MS):
    root = span(caller, f"root-{number}", start_ns=0)
    name = f"to-{callee}-{number}"
    asked = {"is_error": is_error, "duration_ns": duration_ns}
    client = span(caller, name, "client", parent=root, **asked)
    return [root, client, span(callee, f"answer-{number}", parent=client)]


def calls(caller, callee, count, *, start=0):
    numbers = range(start, start + count)
    return [each for n in numbers for each in call(caller, callee, number=n)]


def edges():
    rows = Dependency.objects.values_list("caller__slug", "callee__slug")
    return set(rows)


def test_calls_of_a_known_shop_become_its_edges_with_the_rates_that_were_called():
    shop = Shop(Random(4), services=14, missing_kinds=0.1)  # noqa: S311 (a known shop)
    shop.serve(120, during_ns=3 * MINUTE)
    for batch in shop.batches():
        send(*batch, at=BEGAN - timedelta(minutes=1))

    observing.observe(NOON)

    named = {
        (caller.name, callee.name): count / 5 for (caller, callee), count in shop.calls.items()
    }
    found = {
        (row.caller.title, row.callee.title): row.calls_per_minute
        for row in Dependency.objects.select_related("caller", "callee")
    }
    assert found == pytest.approx(named, rel=0.02)
    kinds = {
        (service.slug.rpartition("-")[2], service.kind)
        for service in Service.objects.exclude(kind="service").exclude(kind="external")
    }
    assert kinds == {("postgresql", "database"), ("kafka", "queue")}
    assert Service.objects.filter(kind="external").exists()


def test_an_edge_says_how_often_how_slow_and_how_sure():
    send(*calls("web", "shop", 19), *call("web", "shop", number=19, is_error=True))

    observing.observe(NOON)

    edge = Dependency.objects.get()
    assert (edge.origin, edge.calls_per_minute, edge.error_share) == ("observed", 4.0, 0.05)
    assert edge.p95_ms == pytest.approx(10.0)
    assert edge.confidence == pytest.approx(20 / 21)
    assert edge.seen_at == NOON - observed_calls.LATE


def test_the_beat_task_does_it_and_twice_in_a_minute_changes_nothing():
    send(*calls("web", "shop", 3), at=datetime.now(UTC) - timedelta(minutes=3))

    tasks.observe_topology()
    once = list(Dependency.objects.values())
    tasks.observe_topology()

    assert edges() == {("web", "shop")}
    assert list(Dependency.objects.values("id", "origin")) == [
        {"id": row["id"], "origin": row["origin"]} for row in once
    ]


def test_what_a_person_said_is_measured_but_never_changed_or_forgotten():
    web, shop = (Service.objects.create(slug=slug, tier=1) for slug in ("web", "shop"))
    said = Dependency.objects.create(caller=web, callee=shop)
    unseen = Dependency.objects.create(caller=shop, callee=web, origin="catalog")
    send(*calls("web", "shop", 5))

    observing.observe(NOON)
    observing.observe(NOON + timedelta(days=30))

    said.refresh_from_db()
    assert (said.origin, said.calls_per_minute, said.p95_ms) == ("person", 0, None)
    assert Dependency.objects.filter(pk=unseen.pk).exists()
    assert Service.objects.get(slug="web").tier == 1


def test_observed_calls_that_stop_are_quiet_at_once_and_gone_after_a_week():
    send(*calls("web", "shop", 5))
    observing.observe(NOON)

    observing.observe(NOON + timedelta(minutes=30))
    quiet = Dependency.objects.get()
    observing.observe(NOON + timedelta(days=8))

    assert (quiet.calls_per_minute, quiet.error_share) == (0, None)
    assert not Dependency.objects.exists()
    assert Service.objects.count() == 2


def test_spans_that_come_late_are_counted_in_the_next_look():
    send(*calls("web", "shop", 5))
    observing.observe(NOON)
    send(*[replace(each, trace_id=f"late-{each.trace_id}") for each in calls("web", "shop", 5)])

    observing.observe(NOON + timedelta(minutes=1))

    assert Dependency.objects.get().calls_per_minute == 2.0


def test_a_service_without_calls_is_known_and_one_without_a_readable_name_is_not():
    send(span("lonely"), span("!!!"))

    observing.observe(NOON)

    assert list(Service.objects.values_list("slug", flat=True)) == ["lonely"]


def test_a_hostile_name_is_a_plain_slug_and_a_title():
    send(*call("<script>alert(1)</script>", "x" * 300))

    observing.observe(NOON)

    slugs = set(Service.objects.values_list("slug", flat=True))
    assert "scriptalert1script" in slugs
    assert all(len(slug) <= 100 for slug in slugs)


def test_one_service_under_two_spellings_is_one():
    send(*call("web", "Shop"), *call("web", "shop", number=1))

    observing.observe(NOON)

    assert edges() == {("web", "shop")}
    assert Dependency.objects.get().calls_per_minute == 0.4


def test_what_sends_spans_itself_is_no_outside_party_any_more():
    Service.objects.create(slug="partner", kind="external")
    send(span("partner"))

    observing.observe(NOON)

    assert Service.objects.get().kind == "service"


def test_of_more_spans_than_are_read_a_part_counts_for_the_whole(monkeypatch):
    monkeypatch.setattr(observed_calls, "MOST_SPANS", 900)
    for second in range(300):
        send(*call("web", "shop", number=second), at=BEGAN + timedelta(seconds=second))
        send(*call("web", "store", number=second), at=BEGAN + timedelta(seconds=second))

    observing.observe(NOON)

    rates = Dependency.objects.values_list("calls_per_minute", flat=True)
    assert list(rates) == pytest.approx([60, 60], rel=0.02)


def test_nothing_new_is_taken_in_beyond_the_bounds(monkeypatch):
    monkeypatch.setattr(observing, "MOST_SERVICES", 3)
    monkeypatch.setattr(observing, "MOST_EDGES", 1)
    for callee in ("b", "c", "d", "e"):
        send(*call("a", callee, number=ord(callee)))

    observing.observe(NOON)

    assert Service.objects.count() == 3
    assert Dependency.objects.count() == 1


def test_a_version_is_kept_when_something_came_and_else_every_hour():
    send(*calls("web", "shop", 10))
    observing.observe(NOON)
    observing.observe(NOON)
    send(
        *calls("web", "new", 10),
        *calls("web", "shop", 10, start=10),
        at=NOON + timedelta(minutes=2),
    )

    observing.observe(NOON + timedelta(minutes=7))
    newest = TopologyVersion.objects.first()
    for minutes in (70, 200, 400):
        observing.observe(NOON + timedelta(minutes=minutes))

    assert {edge.callee.name for edge in topology_versions.edges_of(newest)} == {"shop", "new"}
    ended = TopologyVersion.objects.order_by("ended_at").values_list("ended_at", flat=True)
    minutes = [(each - NOON).total_seconds() / 60 for each in ended]
    assert minutes == [-1, 6, 69]


def test_versions_go_after_the_days_that_are_set(settings):
    settings.KEEP_TOPOLOGY_DAYS = 2
    for days in (1, 3):
        ended = datetime.now(UTC) - timedelta(days=days)
        TopologyVersion.objects.create(began_at=ended, ended_at=ended, edges=[])

    tasks.forget_old_topology()

    assert TopologyVersion.objects.count() == 1
