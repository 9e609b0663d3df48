from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.providers import provider_for
from incidents.providers.base import UnreadablePayload
from incidents.providers.field_mapping import FieldMapping, look_up
from incidents.providers.generic import preview, suggest_mapping
from tests.incidents.recorded import recorded

generic = provider_for("generic")


def test_the_welcome_pages_curl_is_read():
    (event,) = generic.parse(recorded("generic/welcome")).events

    assert (event.name, event.status, event.severity) == ("Test alert", "firing", "medium")
    assert (event.key, event.labels["service"]) == ("welcome-1", "demo")


def test_parts_are_found_at_any_depth():
    (event,) = generic.parse(recorded("generic/nested")).events

    assert (event.name, event.status, event.severity) == ("Orders stuck", "resolved", "critical")
    assert event.key == "4711"
    assert event.starts_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert event.ends_at == datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
    assert event.summary == "No order left the queue for 10 minutes"
    assert event.labels == {
        "alertname": "Orders stuck",
        "service": "orders",
        "host": "web-3",
        "region": "eu",
        "app.kubernetes.io/name": "orders",
    }


def test_a_list_of_alerts_is_found_and_a_bad_one_is_named():
    result = generic.parse(recorded("generic/batch"))

    assert [(event.labels["host"], event.status) for event in result.events] == [
        ("sw-1", "firing"),
        ("sw-2", "resolved"),
    ]
    assert [(rejection.index, rejection.reason) for rejection in result.rejected] == [
        (1, "This is not a JSON object with something in it.")
    ]


def test_an_array_is_a_list_of_alerts():
    result = generic.parse([{"title": "a"}, {"title": "b"}])

    assert [event.name for event in result.events] == ["a", "b"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("firing", "firing"),
        ("Problem", "firing"),
        ("DOWN", "firing"),
        ("triggered", "firing"),
        ("whatever", "firing"),
        (None, "firing"),
        ("OK", "resolved"),
        ("Recovered", "resolved"),
        ("up", "resolved"),
        ("closed", "resolved"),
        (" normal ", "resolved"),
    ],
)
def test_words_of_status_are_understood(status: str | None, expected: str):
    (event,) = generic.parse({"title": "a", "status": status}).events

    assert event.status == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("fatal", "critical"),
        ("page", "critical"),
        ("P1 - Critical", "critical"),
        ("Disaster", "critical"),
        ("sev-2", "high"),
        ("ERROR", "high"),
        ("major", "high"),
        ("Average", "medium"),
        ("P3", "medium"),
        ("minor", "medium"),
        ("P4", "low"),
        ("informational", "info"),
        ("P5", "info"),
        ("purple", "medium"),
        ("x" * 500, "medium"),
    ],
)
def test_words_of_severity_are_understood(word: str, expected: str):
    (event,) = generic.parse({"title": "a", "severity": word}).events

    assert event.severity == expected


def test_a_status_that_is_a_severity_is_both():
    (event,) = generic.parse({"title": "a", "status": "critical"}).events

    assert (event.status, event.severity) == ("firing", "critical")


def test_the_id_of_something_else_is_not_the_alerts_identity():
    (event,) = generic.parse({"title": "a", "host": {"id": "h-1", "name": "web"}}).events

    assert (event.key, event.labels["host"]) == ("", "web")


def test_an_address_with_a_trick_in_it_is_left_out():
    urls = ["javascript:alert(1)", "http://[::1", "https://a.example/ b", "//a.example", "http:"]

    result = generic.parse([{"title": "a", "url": url} for url in urls])

    assert {event.url for event in result.events} == {""}


def test_what_has_no_place_is_kept_as_an_annotation():
    (event,) = generic.parse({"title": "a", "colour": "blue", "size": {"x": 1}}).events

    assert event.annotations == {"colour": "blue", "size": '{"x":1}'}


def test_an_edited_mapping_is_followed():
    mapping = {
        "items": "report.rows",
        "name": "what.0.text",
        "status": "z",
        "severity": "y",
        "service": "who",
        "key": "no",
        "starts_at": "since",
        "labels": {"rack": "where.rack"},
    }
    rows = [
        {"what": [{"text": "Fan"}], "z": "closed", "y": "P2", "who": "cooling", "no": 7,
         "since": 1795168800, "where": {"rack": "r1"}},
        {"what": []},
    ]  # fmt: skip

    result = preview({"report": {"rows": rows}}, mapping)

    (event,) = result.events
    assert (event.name, event.status, event.severity) == ("Fan", "resolved", "high")
    assert (event.key, event.labels) == (
        "7",
        {"alertname": "Fan", "service": "cooling", "rack": "r1"},
    )
    assert event.starts_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert result.rejected[0].reason == "There is no name at “what.0.text”."


def test_a_suggested_mapping_reads_its_sample_as_guessing_does():
    sample = recorded("generic/nested")

    mapping = suggest_mapping(sample)

    assert preview(sample, mapping.model_dump()) == generic.parse(sample)
    assert mapping.name == "alert.rule.name"


def test_a_suggestion_starts_at_the_items():
    mapping = suggest_mapping(recorded("generic/batch"))

    assert (mapping.items, mapping.name, mapping.status) == ("problems", "subject", "state")


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [({"titel": "a"}, "titel"), ({"name": 5}, "name"), ({"labels": {"a": 1}}, "labels.a"), (5, "")],
)
def test_a_wrong_mapping_says_where(mapping: object, reason: str):
    with pytest.raises(UnreadablePayload, match=f"The field mapping is wrong at “{reason}"):
        provider_for("generic", {"mapping": mapping})


@pytest.mark.parametrize("payload", [None, 5, "alert", [], {}])
def test_what_holds_no_alert_is_refused(payload: object):
    with pytest.raises(UnreadablePayload, match="There is no JSON object"):
        generic.parse(payload)


def test_what_has_no_known_field_is_set_aside_unless_a_mapping_names_it():
    payload = {"foo": {"bar": "1"}}

    result = generic.parse(payload)

    assert not result.events
    assert result.rejected[0].reason.startswith("Nothing in it looks like an alert")
    assert preview(payload, {"name": "foo.bar"}).events[0].name == "1"


def test_a_path_follows_keys_with_dots_and_indexes():
    document = {"kibana.alert": {"rule.name": "x"}, "list": [{"a": 1}]}

    assert look_up(document, "kibana.alert.rule.name") == "x"
    assert look_up(document, "list.0.a") == 1
    assert look_up(document, "list.1.a") is None
    assert look_up(document, "list.-1") is None
    assert look_up(document, "") is document


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["title", "status", "id", "name", "host", "alerts", "a.b", ""]),
                inner,
            )
        ),
    )
)
def test_a_mapping_can_be_suggested_for_any_sample(sample: object):
    assert isinstance(suggest_mapping(sample), FieldMapping)
