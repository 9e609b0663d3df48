"""Rules of the language that can be seen on a few samples."""

import re
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from telemetry.promql.asking import ask, ask_range
from telemetry.promql.errors import CannotEvaluate, InvalidQuery, TookTooLong, TooMuchAsked
from telemetry.promql.evaluating import KNOWN, Limits
from telemetry.promql.vectors import Vector
from telemetry.store.frames import Frame
from tests.telemetry.promql.memory_store import STALE, MemoryStore

MINUTE = 60_000
NOW = 1_700_000_000_000
DOCUMENT = Path(__file__).parents[3] / "docs" / "connecting.md"


def store_with(**series: list[float]) -> MemoryStore:
    """Samples a minute apart, the last one now; the name is `name__label`."""
    store = MemoryStore()
    for name, values in series.items():
        metric, _, job = name.partition("__")
        at_ms = [NOW - MINUTE * back for back in reversed(range(len(values)))]
        store.add({"__name__": metric, "job": job}, at_ms, values)
    return store


def values_of(store: MemoryStore, query: str, at_ms: int = NOW) -> dict[str, float]:
    """By the label `job`."""
    answer = ask(store, query, at_ms=at_ms)
    assert isinstance(answer, Vector)
    rows = zip(answer.labels, answer.values[:, 0], answer.present[:, 0], strict=True)
    return {labels.get("job", ""): float(value) for labels, value, is_there in rows if is_there}


class TestSamples:
    def test_the_newest_sample_is_seen_for_five_minutes(self):
        store = store_with(up__web=[1.0])

        assert values_of(store, "up", NOW + 5 * MINUTE) == {"web": 1.0}
        assert values_of(store, "up", NOW + 5 * MINUTE + 1) == {}

    def test_a_series_ends_at_its_staleness_marker(self):
        store = store_with(up__web=[1.0, STALE], up__shop=[1.0, np.nan])

        assert list(values_of(store, "up")) == ["shop"]
        assert values_of(store, "count_over_time(up[5m])") == {"web": 1.0, "shop": 2.0}

    def test_a_window_holds_both_its_ends(self):
        store = store_with(up__web=[1.0, 2.0, 3.0])

        assert values_of(store, "count_over_time(up[2m])") == {"web": 3.0}

    def test_an_offset_looks_back_and_a_negative_one_ahead(self):
        store = store_with(up__web=[1.0, 2.0, 3.0])

        assert values_of(store, "up offset 1m") == {"web": 2.0}
        assert values_of(store, "up offset -1m", NOW - 2 * MINUTE) == {"web": 2.0}

    def test_a_counter_that_began_anew_has_lost_nothing(self):
        store = store_with(requests__web=[100.0, 110.0, 5.0, 10.0])

        assert values_of(store, "increase(requests[3m])") == {"web": pytest.approx(20.0)}

    def test_large_values_that_cancel_out_leave_what_is_between_them(self):
        store = store_with(level__web=[1e16, 1.0, -1e16])

        assert values_of(store, "sum_over_time(level[5m])") == {"web": 1.0}

    def test_every_selector_is_asked_of_the_store_once(self):
        store = store_with(up__web=[1.0])
        asked: list[object] = []
        select = store.select
        store.select = lambda *facts: asked.append(facts) or select(*facts)  # type: ignore[method-assign]

        values_of(store, "up / up + up")

        assert len(asked) == 1


class TestOrder:
    def test_sorted_values_come_in_their_order_with_nan_last(self):
        store = store_with(level__a=[2.0], level__b=[np.nan], level__c=[3.0], level__d=[1.0])

        assert list(values_of(store, "sort(level)")) == ["d", "a", "c", "b"]
        assert list(values_of(store, "sort_desc(level)")) == ["c", "a", "d", "b"]

    def test_the_largest_come_first(self):
        store = store_with(level__a=[2.0], level__b=[np.nan], level__c=[3.0], level__d=[1.0])

        assert list(values_of(store, "topk(2, level)")) == ["c", "a"]
        assert list(values_of(store, "bottomk(9, level)")) == ["d", "a", "c", "b"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "place", "name"),
        [
            ("up +\n  predict_linear(up[5m], 60)", "2:3", "predict_linear"),
            ("limitk(2, up)", "1:1", "limitk"),
            ('up{a="limitk"} + limitk(2, up)', "1:18", "limitk"),
            ('up{a="b" or c="d"}', "1:10", "or"),
            ("up + fill(0) up", "1:6", "fill"),
        ],
    )
    def test_what_is_not_supported_is_named_with_its_place(self, query: str, place: str, name: str):
        with pytest.raises(InvalidQuery, match=f"{place}: parse error: {name} is not supported"):
            ask(MemoryStore(), query, at_ms=NOW)

    @pytest.mark.parametrize(
        "query",
        [
            "(" * 100_000,
            "-" * 100_000 + "up",
            "+".join(["up"] * 1000),
            "up " * 20_000,
            "(" * 51 + "up" + ")" * 51,
        ],
    )
    def test_a_query_that_would_end_the_parser_is_refused_at_once(self, query: str):
        started = time.monotonic()

        with pytest.raises(InvalidQuery, match="a query has at most"):
            ask(MemoryStore(), query, at_ms=NOW)

        assert time.monotonic() - started < 1.0

    def test_what_is_just_not_refused_is_answered(self):
        store = store_with(up__web=[-1.0])

        assert values_of(store, "abs(" * 50 + "up" + ")" * 50) == {"web": 1.0}
        assert values_of(store, "up" + "+up" * 200) == {"web": -201.0}

    @pytest.mark.parametrize(
        "query",
        ["up @ -5", "up @ 99999999999999", "up @ NaN", "up[", '"', "{}", "up{a='\\'}"],
    )
    def test_what_the_parser_cannot_read_is_refused(self, query: str):
        with pytest.raises(InvalidQuery, match="parse error"):
            ask(MemoryStore(), query, at_ms=NOW)

    @pytest.mark.parametrize(
        "query", ["up @ 1e18", "up @ 1e300", "avg_over_time(vector(1)[1h:1m] @ 1e15)"]
    )
    def test_a_time_beyond_the_calendar_is_refused(self, query: str):
        with pytest.raises(InvalidQuery, match="the time after @ is too far away"):
            ask(MemoryStore(), query, at_ms=NOW)

    @pytest.mark.parametrize(
        "query",
        ["up offset 99999999y", "up[1h] offset -300y", "up[5000000y]", "up[1h:2000000y]"],
    )
    def test_a_duration_beyond_prometheus_own_is_refused(self, query: str):
        with pytest.raises(InvalidQuery, match="parse error"):
            ask(MemoryStore(), query, at_ms=NOW)

    def test_in_backticks_nothing_is_escaped(self):
        store = MemoryStore()
        store.add({"__name__": "files", "job": r"C:\new"}, [NOW], [1.0])

        assert values_of(store, r"files{job=`C:\new`}") == {r"C:\new": 1.0}

    def test_one_side_must_be_unique(self):
        store = store_with(up__a=[1.0], up__b=[1.0])

        with pytest.raises(CannotEvaluate, match=r"on the right hand-side .*many-to-many"):
            ask(store, "up + on () up", at_ms=NOW)

    def test_series_that_only_their_name_tells_apart_cannot_be_counted_together(self):
        store = store_with(up__a=[1.0], down__a=[1.0])

        with pytest.raises(CannotEvaluate, match="metrics with the same labelset"):
            ask(store, 'rate({__name__=~"up|down"}[5m]) or abs({__name__=~"up|down"})', at_ms=NOW)

    def test_the_pattern_of_a_label_cannot_take_for_ever(self):
        store = MemoryStore()
        store.add({"__name__": "up", "job": "a" * 5_000}, [NOW], [1.0])
        started = time.monotonic()

        answer = values_of(store, 'label_replace(up, "job", "$1", "job", "(a|aa)+b?(a?)c?")')

        assert list(answer) == ["a"]
        assert time.monotonic() - started < 2.0


class TestLimits:
    def test_the_number_of_steps(self):
        with pytest.raises(InvalidQuery, match="maximum resolution of 11,000 points"):
            ask_range(MemoryStore(), "1", start_ms=0, end_ms=11_001, step_ms=1)

    def test_the_number_of_samples(self):
        store = store_with(up__a=[1.0] * 10, up__b=[1.0] * 10)

        with pytest.raises(TooMuchAsked, match="would load 20 samples"):
            ask(store, "count_over_time(up[1h])", at_ms=NOW, limits=Limits(samples=15))

    def test_the_number_of_samples_between_nodes(self):
        store = store_with(up__a=[1.0], up__b=[1.0])
        period = {"start_ms": NOW, "end_ms": NOW + 10_000, "step_ms": 1000}

        with pytest.raises(TooMuchAsked, match="would load 22 samples"):
            ask_range(store, "up", **period, limits=Limits(samples=15))

    def test_the_time(self):
        with pytest.raises(TookTooLong, match="query timed out"):
            ask(store_with(up__a=[1.0]), "up", at_ms=NOW, limits=Limits(seconds=0))

    def test_a_subquery_counts_as_well(self):
        with pytest.raises(TooMuchAsked, match="samples into memory"):
            ask(MemoryStore(), "max_over_time(vector(1)[365d:1s])", at_ms=NOW)

    def test_the_times_of_a_subquery_are_counted_before_they_are_written_down(self):
        tracemalloc.start()

        with pytest.raises(TooMuchAsked, match="would load 259200001 samples"):
            ask(MemoryStore(), "count_over_time(vector(1)[3d:1ms])", at_ms=NOW)

        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 10_000_000

    def test_operands_that_wait_for_each_other_count_together(self):
        nested = "1+(" * 20 + "1" + ")" * 20

        with pytest.raises(TooMuchAsked, match="samples into memory"):
            ask(
                MemoryStore(),
                f"count_over_time(vector({nested})[1s:1ms])",
                at_ms=NOW,
                limits=Limits(samples=10_000),
            )

    def test_operands_that_are_done_with_do_not_count(self):
        chained = "+".join(["1"] * 20)
        query = f"count_over_time(vector({chained})[1s:1ms])"

        answer = ask(MemoryStore(), query, at_ms=NOW, limits=Limits(samples=10_000))

        assert answer.values.tolist() == [[1001.0]]

    def test_everything_that_is_selected_counts_together(self):
        store = store_with(up__a=[1.0] * 10)

        query = "sum_over_time(up[9m]) + sum_over_time(up[9m] offset 1m)"

        with pytest.raises(TooMuchAsked, match="would load 19 samples"):
            ask(store, query, at_ms=NOW, limits=Limits(samples=15))

    def test_every_value_s_labels_count(self):
        with pytest.raises(TooMuchAsked, match="samples into memory"):
            ask(
                MemoryStore(),
                'count_over_time(count_values("v", vector(time()))[100000s:1s])',
                at_ms=NOW,
            )

    def test_the_time_is_looked_at_between_windows(self):
        query = "sum_over_time(vector(time())[900s:1ms])"
        period = {"start_ms": NOW, "end_ms": NOW + 1_000_000, "step_ms": 100}
        started = time.process_time()

        with pytest.raises(TookTooLong):
            ask_range(MemoryStore(), query, **period, limits=Limits(seconds=1))

        assert time.process_time() - started < 2.0


@dataclass
class OneFrame:
    frame: Frame

    def select(self, *asked: object) -> list[Frame]:
        return [self.frame]


class TestSpeed:
    def test_the_mean_of_ten_thousand_series_takes_a_tenth_of_a_second(self):
        labels = [{"__name__": "up", "instance": str(number)} for number in range(10_000)]
        at_ms = NOW - 15_000 * np.arange(241)[::-1]
        store = OneFrame(Frame(tuple(labels), at_ms, np.ones((len(labels), at_ms.size))))
        hour = {"start_ms": NOW - 60 * MINUTE, "end_ms": NOW, "step_ms": MINUTE}
        ask_range(store, "avg(up)", **hour)

        started = time.process_time()
        _, answer = ask_range(store, "avg(up)", **hour)

        assert time.process_time() - started < 0.1
        assert answer.values.shape == (1, 61)


class TestDocument:
    def test_every_function_is_in_the_document_and_no_other(self):
        section = DOCUMENT.read_text().split("## Ask by PromQL")[1].split("\n## ")[0]
        rows = re.findall(r"^\| (?:functions|aggregations)[^|]*\| (.*) \|$", section, re.MULTILINE)
        documented = set(re.findall(r"`(\w+)`", " ".join(rows)))

        assert documented == KNOWN
