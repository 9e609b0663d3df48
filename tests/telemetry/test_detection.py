import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from incidents.models import Alert, Incident, Message
from telemetry import detection, tasks
from telemetry.detection import ALARM, judge_new_points
from telemetry.models import Anomaly, Point, Series, Service, Watch
from telemetry.signals import points_judged

pytestmark = pytest.mark.django_db
STEP_MS = 1000
START_MS = 1_790_000_000_000
LEARNING = 80


class Sender:
    """A service that sends one value a second."""

    def __init__(self, name: str, slug: str = "checkout", **watch: Any) -> None:
        service, _ = Service.objects.get_or_create(slug=slug)
        self.series = Series.objects.create(
            service=service, name=name, unit="s", key=f"{slug}/{name}"
        )
        self.watch = Watch.objects.create(series=self.series, **({"raises_alerts": True} | watch))
        self.at_ms = START_MS

    def send(self, *values: float) -> None:
        Point.objects.bulk_create(
            Point(series=self.series, at_ms=self.at_ms + index * STEP_MS, value=value)
            for index, value in enumerate(values)
        )
        self.at_ms += len(values) * STEP_MS

    def usual(self, count: int = LEARNING) -> None:
        first = self.at_ms // STEP_MS
        self.send(*(0.2 + 0.01 * math.sin(first + index) for index in range(count)))

    def odd(self, count: int = ALARM["trips"]) -> None:
        self.send(*[5.0] * count)

    def points(self) -> list[Point]:
        return list(Point.objects.filter(series=self.series).order_by("at_ms"))


@pytest.fixture(autouse=True)
def no_memories() -> Iterator[None]:
    detection._desks.clear()
    yield
    detection._desks.clear()


@pytest.fixture
def sender() -> Sender:
    return Sender("http.server.request.duration.p95")


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Any:
    """What was to happen after commit happens, tasks included."""

    def judge() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return judge_new_points()

    return judge


def restart() -> None:
    detection._desks.clear()


class TestBand:
    def test_points_have_no_band_while_the_detector_learns(self, sender: Sender):
        sender.usual(30)

        judged = judge_new_points()

        assert judged == 30
        assert {(p.lower, p.upper, p.score) for p in sender.points()} == {(None, None, None)}
        assert Watch.objects.get().is_learning

    def test_after_learning_every_point_has_a_band_around_what_is_usual(self, sender: Sender):
        sender.usual()

        judge_new_points()

        last = sender.points()[-1]
        assert last.lower < last.value < last.upper
        assert 0 <= last.score < 1
        assert not Watch.objects.get().is_learning

    def test_a_point_is_judged_once(self, sender: Sender):
        sender.usual()

        assert [judge_new_points(), judge_new_points()] == [LEARNING, 0]

    def test_a_value_far_away_scores_above_the_threshold(self, sender: Sender):
        sender.usual()
        sender.odd(1)

        judge_new_points()

        assert sender.points()[-1].score > 1
        assert not Anomaly.objects.exists()

    def test_a_late_point_is_kept_but_not_judged(self, sender: Sender):
        sender.usual()
        judge_new_points()
        late = Point.objects.create(series=sender.series, at_ms=START_MS + 500, value=99.0)

        assert judge_new_points() == 0

        late.refresh_from_db()
        assert late.score is None

    def test_a_watch_that_is_off_judges_nothing(self, sender: Sender):
        Watch.objects.update(is_enabled=False)
        sender.usual()

        assert judge_new_points() == 0

    def test_services_with_news_are_told_once_a_turn(self, commits: Any, sender: Sender):
        told = []
        listener = lambda services, **_: told.append(services)  # noqa: E731
        points_judged.connect(listener, weak=False)
        twin = Sender("http.server.request.duration.rate", "payments")
        sender.usual(3)
        twin.usual(3)

        commits()
        commits()

        points_judged.disconnect(listener)
        assert told == [{"checkout", "payments"}]

    def test_a_turn_takes_a_bounded_number_of_points_and_the_next_goes_on(
        self, sender: Sender, monkeypatch: Any
    ):
        monkeypatch.setattr(detection, "POINTS_A_TURN", 50)
        sender.usual()

        assert [judge_new_points() for _ in range(3)] == [50, 30, 0]


class TestAnomaly:
    def test_one_odd_point_or_two_are_no_anomaly(self, commits: Any, sender: Sender):
        sender.usual()
        for _ in range(3):
            sender.odd(2)
            sender.usual(20)

        commits()

        assert not Anomaly.objects.exists()
        assert not Message.objects.exists()

    def test_it_begins_once_the_deviation_lasts_and_says_so_once(
        self, commits: Any, sender: Sender
    ):
        sender.usual()
        sender.odd()

        for _ in range(3):
            commits()
            sender.odd(1)

        anomaly = Anomaly.objects.get()
        assert anomaly.ended_at is None
        assert anomaly.value == 5.0
        assert anomaly.lower <= anomaly.upper < 5.0
        assert Message.objects.count() == 1

    def test_its_peak_is_the_worst_point(self, commits: Any, sender: Sender):
        sender.usual()
        sender.odd()
        commits()
        sender.send(9.0, 4.0)

        commits()

        assert Anomaly.objects.get().value == 9.0

    def test_it_ends_after_calm_and_says_so_once(self, commits: Any, sender: Sender):
        sender.usual()
        sender.odd()
        commits()
        sender.usual(ALARM["calm"])

        commits()
        sender.usual(5)
        commits()

        anomaly = Anomaly.objects.get()
        assert anomaly.ended_at == datetime.fromtimestamp(
            (sender.at_ms - 6 * STEP_MS) / 1000, tz=UTC
        )
        assert Message.objects.count() == 2

    def test_a_watch_that_only_draws_raises_no_alert(self, commits: Any):
        sender = Sender("http.server.request.duration.rate", raises_alerts=False)
        sender.usual()
        sender.odd()

        commits()

        assert Anomaly.objects.exists()
        assert not Message.objects.exists()

    def test_an_error_series_that_was_always_zero_raises_and_calms_down(self, commits: Any):
        sender = Sender("shop.errors.rate")
        sender.send(*[0.0] * LEARNING)
        commits()
        sender.send(*[2.5] * ALARM["trips"])
        commits()
        begun = Anomaly.objects.get()

        sender.send(*[0.0] * ALARM["calm"])
        commits()

        assert begun.lower == 0.0
        assert begun.upper < 2.5
        assert Anomaly.objects.get().ended_at is not None
        assert all(p.score == 0 for p in sender.points()[-ALARM["calm"] :])

    def test_an_alert_becomes_an_incident_and_ends_with_the_anomaly(
        self, commits: Any, eager: None, sender: Sender
    ):
        sender.usual()
        sender.odd()
        commits()
        opened = Incident.objects.get()
        alert = Alert.objects.get()

        sender.usual(ALARM["calm"])
        commits()

        assert (alert.name, alert.status, alert.service.slug) == (
            "MetricAnomaly",
            "firing",
            "checkout",
        )
        assert alert.labels["metric"] == "http.server.request.duration.p95"
        assert "expected" in opened.title
        assert opened.is_active
        assert Incident.objects.get().status == "resolved"
        assert Alert.objects.get().status == "resolved"

    def test_the_next_anomaly_of_the_series_is_the_same_alert_again(
        self, commits: Any, eager: None, sender: Sender
    ):
        sender.usual()
        for _ in range(2):
            sender.odd()
            commits()
            sender.usual(30)
            commits()

        assert Anomaly.objects.count() == 2
        assert Alert.objects.get().status == "resolved"
        assert [i.status for i in Incident.objects.all()] == ["resolved", "resolved"]

    def test_one_that_came_and_went_before_the_worker_looked_is_told_too(
        self, commits: Any, eager: None, sender: Sender
    ):
        sender.usual()
        sender.odd()
        sender.usual(ALARM["calm"])

        commits()

        assert Message.objects.count() == 2
        assert Incident.objects.get().status == "resolved"


class TestRestart:
    def judge_with_restarts(self, sender: Sender, *, every: int) -> list[tuple[Any, ...]]:
        for start in range(0, 140, every):
            for index in range(start, min(start + every, 140)):
                sender.odd(1) if 90 <= index < 100 else sender.usual(1)
            judge_new_points()
            restart()
        return [(p.value, p.lower, p.upper, p.score) for p in sender.points()]

    def test_scores_are_those_of_a_worker_that_never_stopped(self, sender: Sender):
        twin = Sender("http.server.request.duration.p95", "payments")

        restarted = self.judge_with_restarts(sender, every=7)
        undisturbed = self.judge_with_restarts(twin, every=140)

        assert restarted == undisturbed

    def test_an_open_anomaly_is_neither_raised_again_nor_left_open(
        self, commits: Any, sender: Sender
    ):
        sender.usual()
        sender.odd()
        commits()

        restart()
        sender.odd(3)
        commits()
        restart()
        sender.usual(ALARM["calm"])
        commits()

        assert Anomaly.objects.get().ended_at is not None
        assert Message.objects.count() == 2

    def test_a_turn_that_was_rolled_back_is_judged_anew(self, sender: Sender, monkeypatch: Any):
        sender.usual()
        with monkeypatch.context() as broken:
            broken.setattr(detection, "_save", _lose_power)
            with pytest.raises(RuntimeError):
                judge_new_points()

        judged = judge_new_points()

        assert judged == LEARNING
        assert detection._desks[sender.watch.pk].detector.last_at_ms == sender.at_ms - STEP_MS
        assert sender.points()[-1].score is not None

    def test_points_that_came_late_do_not_keep_an_anomaly_open_for_ever(
        self, commits: Any, sender: Sender
    ):
        sender.usual()
        commits()
        sender.odd()
        commits()
        Point.objects.bulk_create(
            Point(series=sender.series, at_ms=sender.at_ms - 1500 - 10 * index, value=0.2)
            for index in range(2 * ALARM["calm"])
        )

        restart()
        sender.usual(2 * ALARM["calm"])
        commits()

        assert Anomaly.objects.get().ended_at is not None

    def test_a_memory_of_another_version_is_begun_anew(self, sender: Sender):
        twin = Sender("http.server.request.duration.p95", "payments")
        sender.usual()
        twin.usual()
        judge_new_points()
        Watch.objects.filter(pk=sender.watch.pk).update(
            state={"detector": {"version": "older/0"}, "alarm": {}}
        )
        restart()
        sender.usual(5)
        twin.usual(5)

        assert judge_new_points() == 10
        assert sender.points()[-1].lower is not None


def _lose_power(*args: Any) -> None:
    raise RuntimeError("power cut")


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_judge_every_point_once(sender: Sender):
    sender.usual()
    sender.odd()
    counts: list[int] = []
    ready = threading.Barrier(2)

    def work() -> None:
        ready.wait(10)
        counts.append(judge_new_points())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)

    assert sorted(counts) == [0, LEARNING + ALARM["trips"]]
    assert Anomaly.objects.count() == Message.objects.count() == 1


class TestForgetting:
    def test_points_of_more_than_a_day_go_in_batches(
        self, sender: Sender, monkeypatch: Any, django_assert_max_num_queries: Any
    ):
        monkeypatch.setattr(detection, "FORGET_A_TURN", 10)
        sender.usual(35)
        now = datetime.fromtimestamp(START_MS / 1000, tz=UTC) + timedelta(hours=24, seconds=25)

        with django_assert_max_num_queries(12):
            forgotten = detection.forget_old_points(now)

        assert forgotten == 25
        assert sender.points()[0].at_ms == START_MS + 25 * STEP_MS

    def test_the_tasks_do_both(self, sender: Sender):
        sender.usual(3)

        tasks.judge_new_points()
        judged = Watch.objects.get().judged_until_ms
        tasks.forget_old_points()

        assert judged == sender.at_ms - STEP_MS
