"""Logs are kept and found the same way in SQLite and in PostgreSQL."""

import pytest

from telemetry.records import LogRecord
from telemetry.store import logs
from telemetry.store.logs import LogQuery, TextTooLong, open_logs

SECOND = 10**9
DAY = LogQuery(0, 86_400 * SECOND)


def record(body, at=1, **fields):
    defaults = {"service": "shop", "severity": 9, "attributes": {}}
    return LogRecord(at_ns=at * SECOND, body=body, **(defaults | fields))


@pytest.fixture
def store(records_url):
    store = open_logs(records_url)
    yield store
    store.close()


def bodies(found):
    return [kept.record.body for kept in found]


def test_a_record_comes_back_as_it_was(store):
    sent = record(
        'GET /cart "quoted" \u2028 \U0001f6d2',
        severity=17,
        attributes={"http.route": "/cart/{id}", 'odd "key"': "x"},
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
    )
    store.append([sent])

    [kept] = store.search(DAY)

    assert kept.record == sent


def test_the_newest_come_first_and_pages_follow_each_other(store):
    store.append([record(f"line {n}", at=n // 2) for n in range(10)])

    first = store.search(DAY, limit=4)
    last = first[-1]
    second = store.search(
        LogQuery(DAY.start_ns, DAY.end_ns, before=(last.record.at_ns, last.id)), limit=10
    )

    assert bodies(first) == ["line 9", "line 8", "line 7", "line 6"]
    assert bodies(second) == [f"line {n}" for n in (5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("refused", ["connection refused by 10.0.0.1:5432"]),
        ("REFUSED connection", ["connection refused by 10.0.0.1:5432"]),
        ('"refused connection"', []),
        ("10.0.0.1", ["connection refused by 10.0.0.1:5432"]),
        ("0.10", []),
        ("time*", ["user_id=7 timeout"]),
        ("tim", []),
        ("user_id", ["user_id=7 timeout"]),
        ("größe", ["Größe überschritten"]),
        ("timeout OR refused", []),
        ("' OR 1=1 -- timeout", []),
        ('body: "timeout', []),
        ("NEAR(timeout user)", []),
        ("&|!<->:*()", "all"),
        ('"" * -', "all"),
    ],
)
def test_words_phrases_and_beginnings_are_found_and_nothing_else_means_anything(store, text, found):
    kept = ["connection refused by 10.0.0.1:5432", "user_id=7 timeout", "Größe überschritten"]
    store.append([record(body) for body in kept])

    matching = store.search(LogQuery(DAY.start_ns, DAY.end_ns, text=text))

    assert sorted(bodies(matching)) == sorted(kept if found == "all" else found)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"service": "cart"}, ["b"]),
        ({"least_severity": 13}, ["b", "c"]),
        ({"trace_id": "ab"}, ["c"]),
        ({"attributes": {"http.status_code": "500"}}, ["c"]),
        ({"attributes": {"http.status_code": "500' OR ''='"}}, []),
        ({"attributes": {'x" OR "': "500"}}, []),
    ],
)
def test_a_search_is_narrowed_by_each_of_its_parts(store, wanted, found):
    store.append(
        [
            record("a"),
            record("b", service="cart", severity=13),
            record("c", severity=17, trace_id="ab", attributes={"http.status_code": "500"}),
        ]
    )

    matching = store.search(LogQuery(DAY.start_ns, DAY.end_ns, **wanted))

    assert sorted(bodies(matching)) == found


def test_only_what_lies_in_the_stretch_is_found(store):
    store.append([record(str(at), at=at) for at in (1, 2, 3)])

    assert bodies(store.search(LogQuery(2 * SECOND, 2 * SECOND))) == ["2"]


def test_records_are_counted_by_step_and_severity(store):
    store.append([record("x", at=at, severity=s) for at, s in [(1, 9), (9, 9), (9, 17), (25, 9)]])

    counts = store.count(DAY, 10 * SECOND)

    assert counts == [(0, 9, 2), (0, 17, 1), (20 * SECOND, 9, 1)]


def test_what_is_forgotten_is_not_found_by_its_words_either(store, monkeypatch):
    monkeypatch.setattr(logs, "FORGET_A_TURN", 3)
    store.append([record(f"word{at}", at=at) for at in range(10)])

    forgotten = store.forget(8 * SECOND)

    assert forgotten == 8
    assert bodies(store.search(LogQuery(DAY.start_ns, DAY.end_ns, text="word*"))) == [
        "word9",
        "word8",
    ]


def test_a_search_of_endless_words_is_refused(store):
    with pytest.raises(TextTooLong, match="20 words"):
        store.search(LogQuery(DAY.start_ns, DAY.end_ns, text="word " * 21))


def test_services_are_those_that_wrote_in_the_stretch(store):
    store.append([record("x", service="b"), record("x", service="a"), record("x", at=9)])

    assert store.services(0, 5 * SECOND) == ["a", "b"]
