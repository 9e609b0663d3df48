"""The one door to every source: who is asked, what a failure is, and what is kept of it."""

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from telemetry import asking, own_metrics, own_records
from telemetry.asking import aask_all, ask, ask_all, check_all, sources_that, try_out
from telemetry.calls import Party
from telemetry.data_sources import BUILTIN, abilities_of
from telemetry.models import DataSource
from telemetry.records import LogRecord, Span
from telemetry.sources import SOURCES
from telemetry.sources.base import Source, SourceFailed, Stretch
from telemetry.sources.builtin import Builtin
from telemetry.store.frames import Batch
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery
from telemetry.tasks import check_sources
from tests.telemetry.sources.recorded import Recorded, Reply

pytestmark = pytest.mark.django_db
NOW_MS = 1_795_350_000_000
NOW_NS = NOW_MS * 10**6
STRETCH = Stretch(NOW_MS - 60_000, NOW_MS)
LABELS, DEAD = "/loki/api/v1/labels", "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def opened_addresses(settings: Any):
    settings.OUTBOUND_ALLOW = "127.0.0.1/32"
    yield
    own_records.logs().close()
    own_records.spans().close()


@pytest.fixture
def loki(recorded: Recorded) -> DataSource:
    recorded.give_recorded("/loki/api/v1/label/service_name/values", "loki/labels.json")
    recorded.give_recorded(LABELS, "loki/labels.json")
    recorded.give_recorded("/loki/api/v1/status/buildinfo", "loki/buildinfo.json")
    return made("loki", url=recorded.url)


def made(kind: str, **facts: Any) -> DataSource:
    return DataSource.objects.create(**{"name": kind, "kind": kind, "url": DEAD, **facts})


def services(source: Source):
    return source.services(STRETCH)


def test_the_built_in_store_comes_first_and_a_paused_source_not_at_all():
    made("prometheus")
    made("loki", is_enabled=False)
    made("cloudwatch")

    assert [each.name for each in sources_that("metrics")] == [
        "builtin",
        "cloudwatch",
        "prometheus",
    ]
    assert [each.name for each in sources_that("logs")] == ["builtin"]
    assert [each.name for each in sources_that("metrics", "promql")] == ["builtin", "prometheus"]


def test_every_ability_of_a_kind_has_its_method():
    for kind in (*SOURCES.values(), Builtin):
        for ability in kind.abilities:
            assert getattr(kind, ability) is not getattr(Source, ability), (kind, ability)
        assert ("metrics" in kind.abilities) == bool(kind.language)
        assert kind.check is not Source.check


def test_a_source_that_is_down_is_an_answer_among_the_others(loki):
    made("prometheus", name="down")

    builtin, down, answered = ask_all("services", services)

    assert (builtin.source, builtin.value) == (BUILTIN, [])
    assert (down.value, down.problem[:20]) == (None, "It cannot be reached")
    assert answered.value == ["level", "pod", "service_name"]
    assert answered.problem == ""


def test_how_a_source_answered_is_kept(loki):
    down = made("prometheus", name="down")

    ask_all("services", services)

    loki.refresh_from_db()
    down.refresh_from_db()
    assert loki.answered_at is not None
    assert loki.problem == ""
    assert down.failed_at is not None
    assert "cannot be reached" in down.problem


def test_it_is_kept_once_in_ten_seconds(loki, django_assert_num_queries):
    ask_all("services", services)

    with django_assert_num_queries(1):
        ask_all("services", services)


def test_a_wrong_question_is_no_failure_of_the_source(loki, recorded):
    recorded.give("/loki/api/v1/query_range", Reply(status=400))

    with pytest.raises(SourceFailed):
        ask(loki, lambda source: source.logs(LogQuery(0, 1), 1))

    loki.refresh_from_db()
    assert loki.failed_at is None
    assert loki.answered_at is not None


def test_all_are_asked_at_the_same_time(recorded):
    recorded.give(
        "/loki/api/v1/label/service_name/values",
        Reply(b'{"status":"success","data":[]}', pauses=0.5),
    )
    for number in range(4):
        made("loki", name=f"loki-{number}", url=recorded.url)
    began = time.monotonic()

    answers = ask_all("services", services)

    assert all(answer.value is not None for answer in answers)
    assert time.monotonic() - began < 1.6


def test_nobody_waits_longer_than_was_said(recorded):
    recorded.give("/loki/api/v1/label/service_name/values", Reply(pauses=3))
    made("loki", url=recorded.url)
    began = time.monotonic()

    _, late = ask_all("services", services, seconds=0.3)

    assert time.monotonic() - began < 1.5
    assert "did not answer" in late.problem


def test_a_question_that_sticks_in_a_plugin_ends_too(loki):
    async def sticks(source: Source) -> None:
        await asyncio.sleep(30)

    with pytest.raises(SourceFailed, match="did not answer"):
        ask(loki, sticks, seconds=0.1)


def test_a_source_that_cannot_tell_says_so(loki):
    with pytest.raises(SourceFailed, match="loki cannot tell that") as told:
        ask(loki, lambda source: source.metrics("up", STRETCH, 15_000))

    assert told.value.is_about_question


def test_a_paused_source_is_not_asked_and_can_be_tried(loki, recorded):
    loki.is_enabled = False

    with pytest.raises(SourceFailed, match="loki is paused"):
        ask(loki, services)

    assert try_out(loki).value == "Loki 3.0.0"


def test_threads_ask_at_the_same_time(loki):
    answers: list[Any] = []

    def asks() -> None:
        answers.append(asking.asking_loop.run(asking._answered(loki, services, 5, asking.Reach())))

    threads = [threading.Thread(target=asks) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.problem for answer in answers] == [""] * 8


@pytest.mark.django_db(transaction=True)
async def test_code_on_a_loop_asks_too():
    answers = await aask_all("services", services)

    assert [answer.value for answer in answers] == [[]]


def test_sources_that_nobody_asked_are_checked(loki, recorded):
    down = made("prometheus", name="down")
    now = timezone.now()
    fresh = made("jaeger", answered_at=now - timedelta(seconds=5))

    check_sources()

    for each in (loki, down, fresh):
        each.refresh_from_db()
    assert loki.answered_at >= now
    assert down.failed_at >= now
    assert fresh.answered_at < now
    assert {asked.path for asked in recorded.asked} == {LABELS, "/loki/api/v1/status/buildinfo"}


def test_nothing_is_checked_where_nothing_is(django_assert_num_queries):
    with django_assert_num_queries(1):
        check_all()


def test_the_built_in_store_answers_every_kind_of_question():
    _keep_something()

    frames = ask(BUILTIN, lambda source: source.metrics("up > 1", STRETCH, 20_000))
    lines = ask(BUILTIN, lambda source: source.logs(LogQuery(0, NOW_NS, "refused"), 9))
    traces = ask(BUILTIN, lambda source: source.traces(TraceQuery(0, NOW_NS), 9))
    spans = ask(BUILTIN, lambda source: source.trace("a" * 32))
    (edge,) = ask(BUILTIN, lambda source: source.edges(STRETCH))

    assert [(frame.at_ms.tolist(), frame.values.tolist()) for frame in frames] == [
        ([NOW_MS - 20_000, NOW_MS], [[2.0, 3.0]])
    ]
    assert [line.body for line in lines] == ["connection refused"]
    assert [trace.root_service for trace in traces] == ["gateway"]
    assert [span.service for span in spans] == ["gateway", "checkout"]
    assert (edge.caller, edge.callee, edge.calls) == (Party("gateway"), Party("checkout"), 1)
    assert ask(BUILTIN, services) == ["checkout", "gateway", "web"]
    assert "1 series" in try_out(BUILTIN).value


@pytest.mark.parametrize(
    ("query", "words"),
    [("sum(", "parse"), ("up[5m]", "range vector"), ('up{a=~"("}', "regex|group|paren|parse")],
)
def test_a_query_that_the_built_in_store_cannot_answer_says_why(query, words):
    _keep_something()

    with pytest.raises(SourceFailed, match=words) as told:
        ask(BUILTIN, lambda source: source.metrics(query, STRETCH, 20_000))

    assert told.value.is_about_question


def test_a_built_in_store_that_is_not_there_is_a_failure_that_passes(settings):
    settings.TELEMETRY_URL = "postgresql://nobody@127.0.0.1:9/none"

    (answer, *_) = ask_all("logs", lambda source: source.logs(LogQuery(0, 1), 1))

    assert answer.source is BUILTIN
    assert answer.failed is not None
    assert answer.failed.is_passing


def test_a_kind_that_is_not_known_can_nothing():
    assert abilities_of(made("influx")) == frozenset()


def _keep_something() -> None:
    at_ms = np.array([NOW_MS - 40_000, NOW_MS - 20_000, NOW_MS])
    up = {"__name__": "up", "job": "shop/web"}
    series = np.zeros(3, np.int64)
    own_metrics.store().append(Batch([up], series, at_ms, np.array([1.0, 2.0, 3.0])))
    own_records.logs().append([LogRecord(NOW_NS - 10**9, "checkout", 17, "connection refused")])
    call = {"trace_id": "a" * 32, "start_ns": NOW_NS - 10**9, "duration_ns": 10, "is_error": False}
    own_records.spans().append(
        [
            Span(
                span_id="1" * 16, parent_id="", service="gateway", name="g", kind="client", **call
            ),
            Span(
                span_id="2" * 16,
                parent_id="1" * 16,
                service="checkout",
                name="c",
                kind="server",
                **{**call, "start_ns": NOW_NS - 10**9 + 5},
            ),
        ]
    )
