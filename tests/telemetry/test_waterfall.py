"""Traces as rows: who called whom, what took the time, what is odd, and how much can be drawn."""

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from telemetry.records import Span
from telemetry.waterfall import MOST_ROWS, waterfall

MS = 10**6


def span(number, parent="", *, at=0, took=10, service="shop", kind="server", **fields):
    return Span(
        trace_id="t",
        span_id=number,
        parent_id=parent,
        service=service,
        name=f"GET /{number}",
        kind=kind,
        start_ns=at * MS,
        duration_ns=took * MS,
        is_error=fields.pop("is_error", False),
        **fields,
    )


def by_id(drawn):
    return {row.span.span_id: row for row in drawn.rows}


def test_without_spans_there_is_nothing():
    assert waterfall([]) is None
    assert waterfall([span("")]) is None


def test_rows_are_depth_first_with_children_by_their_start_whatever_order_they_come_in():
    spans = [span("root", took=100), span("b", "root", at=50), span("a", "root", at=10)]
    spans += [span("a1", "a", at=11, took=1)]
    random.Random(3).shuffle(spans)  # noqa: S311 - repeatable

    drawn = waterfall(spans)

    assert [(row.span.span_id, row.depth) for row in drawn.rows] == [
        ("root", 0),
        ("a", 1),
        ("a1", 2),
        ("b", 1),
    ]
    assert drawn.duration_ns == 100 * MS
    assert [row.has_children for row in drawn.rows] == [True, True, False, False]


def test_self_time_leaves_out_when_any_child_ran_and_children_that_overlap_count_once():
    drawn = waterfall(
        [
            span("root", took=100),
            span("a", "root", at=10, took=30),
            span("b", "root", at=20, took=40),
        ]
    )

    assert by_id(drawn)["root"].self_ns == 50 * MS


def test_the_slowest_path_follows_who_ended_last():
    drawn = waterfall(
        [
            span("root", took=100),
            span("early", "root", at=0, took=20),
            span("beside", "root", at=30, took=20),
            span("late", "root", at=25, took=70),
            span("within", "late", at=30, took=60),
        ]
    )

    critical = {number for number, row in by_id(drawn).items() if row.is_critical}
    assert critical == {"root", "early", "late", "within"}


def test_the_slowest_path_goes_on_into_a_server_whose_client_gave_up():
    drawn = waterfall(
        [
            span("call", took=50, kind="client"),
            span("answer", "call", at=5, took=90, service="cart"),
            span("before", "answer", at=10, took=30, service="cart"),
            span("under way", "answer", at=42, took=40, service="cart"),
            span("after", "answer", at=85, took=5, service="cart"),
        ]
    )

    critical = {number for number, row in by_id(drawn).items() if row.is_critical}
    assert critical == {"call", "answer", "before", "under way"}


def test_what_is_sent_as_a_message_is_not_waited_for():
    drawn = waterfall([span("root", took=50), span("m", "root", at=10, took=40, kind="producer")])

    assert not by_id(drawn)["m"].is_critical


def test_a_missing_parent_makes_a_root_that_says_so():
    drawn = waterfall([span("root", took=50), span("lost", "elsewhere", at=5)])

    assert drawn.orphans == 1
    assert by_id(drawn)["lost"].is_orphan
    assert by_id(drawn)["lost"].depth == 0


def test_parents_in_a_circle_are_cut_once_and_all_spans_are_there():
    spans = [span("root"), span("a", "c", at=3), span("b", "a", at=4), span("c", "b", at=5)]
    spans.append(span("self", "self", at=9))

    drawn = waterfall(spans)

    assert drawn.cut == 2
    assert [row.span.span_id for row in drawn.rows] == ["root", "a", "b", "c", "self"]


def test_a_server_whose_clock_is_early_is_moved_into_its_clients_time_with_what_it_called():
    drawn = waterfall(
        [
            span("call", at=1000, took=100, kind="client"),
            span("answer", "call", at=0, took=60, service="cart"),
            span("read", "answer", at=10, took=20, service="cart", kind="client"),
        ]
    )

    rows = by_id(drawn)
    assert rows["answer"].start_ns == 20 * MS
    assert rows["read"].start_ns == 30 * MS
    assert (drawn.moved, drawn.skew_ns) == (2, 1020 * MS)
    assert drawn.duration_ns == 100 * MS


def test_an_answer_after_the_client_had_it_is_a_clock_that_is_late():
    drawn = waterfall(
        [span("call", took=100, kind="client"), span("answer", "call", at=70, took=60, service="x")]
    )

    assert by_id(drawn)["answer"].start_ns == 20 * MS


def test_a_consumer_that_works_long_after_it_was_sent_is_left_where_it_is():
    drawn = waterfall(
        [
            span("send", took=1, kind="producer"),
            span("work", "send", at=500, took=90, service="mail", kind="consumer"),
        ]
    )

    assert by_id(drawn)["work"].start_ns == 500 * MS
    assert drawn.moved == 0


def test_durations_of_nothing_and_of_days_are_drawn():
    day = 86_400_000
    drawn = waterfall([span("root", took=3 * day), span("instant", "root", at=day, took=0)])

    assert by_id(drawn)["instant"].start_ns == day * MS
    assert waterfall([span("only", took=0)]).duration_ns == 0


def test_five_thousand_spans_are_folded_to_what_tells_most_in_little_time(untraced):
    spans = [span("root", took=5000)]
    spans += [span(f"g{n}", "root", at=n, took=2) for n in range(100)]
    spans += [
        span(f"s{n}", f"g{n % 100}", at=n % 100, took=1, is_error=n == 4_321) for n in range(4_899)
    ]
    began = time.monotonic()

    drawn = waterfall(spans)

    assert time.monotonic() - began < 2
    assert len(drawn.rows) == MOST_ROWS
    assert drawn.folded == 5_000 - MOST_ROWS
    assert "s4321" in by_id(drawn)
    assert sum(row.folded for row in drawn.rows) == drawn.folded


def test_a_chain_as_deep_as_a_trace_can_be_is_drawn_without_recursion(untraced):
    spans = [span("n0", took=5000)]
    spans += [span(f"n{n}", f"n{n - 1}", at=n // 2, took=4000) for n in range(1, 5_000)]

    drawn = waterfall(spans)

    assert len(drawn.rows) == MOST_ROWS
    assert drawn.rows[-1].folded == 4_500


ids = st.sampled_from("abcdef")


@given(
    st.lists(
        st.tuples(ids, st.sampled_from(["", *"abcdefz"]), st.integers(0, 50), st.integers(0, 50)),
        max_size=12,
    ),
    st.integers(1, 6),
)
def test_whatever_the_parents_are_every_span_is_drawn_once_or_counted_as_folded(made, most):
    spans = [
        span(number, parent, at=at, took=took, service=number, kind="client")
        for number, parent, at, took in made
    ]

    drawn = waterfall(spans, most=most)

    if drawn is None:
        assert not spans
        return
    shown = [row.span.span_id for row in drawn.rows]
    assert len(shown) == len(set(shown)) == min(drawn.span_count, most)
    assert drawn.span_count == len({each.span_id for each in spans})
    assert all(0 <= row.self_ns <= row.span.duration_ns for row in drawn.rows)
    assert all(row.start_ns >= 0 for row in drawn.rows)
