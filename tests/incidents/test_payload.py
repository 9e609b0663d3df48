import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.payload import (
    MAX_VALUE_BYTES,
    UnreadableItem,
    UnreadablePayload,
    UnsupportedContentType,
    read_json,
)
from incidents.providers import provider_for
from tests.payloads.poison import POISONS, Poison, batches_with_one_bad_item

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.name)
def test_every_poison_is_read_or_refused_with_a_reason(poison: Poison):
    try:
        read_json(poison.body, poison.content_type)
        outcome, reason = "read", "-"
    except UnreadablePayload as error:
        outcome, reason = "refused", str(error)

    assert outcome == poison.outcome
    assert 0 < len(reason) < 300


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.name)
@pytest.mark.parametrize("slug", ["alertmanager", "grafana", "pagerduty", "generic"])
def test_no_provider_raises_anything_but_the_declared_error(slug: str, poison: Poison):
    try:
        payload = read_json(poison.body, poison.content_type)
    except UnreadablePayload:
        return

    try:
        result = provider_for(slug).parse(payload)
        reasons = [rejection.reason for rejection in result.rejected]
        said_something = bool(result.events or reasons)
    except UnreadablePayload as error:
        reasons, said_something = [str(error)], True

    assert said_something
    assert all(0 < len(reason) < 1_000 for reason in reasons)


@pytest.mark.parametrize("name", dict(batches_with_one_bad_item()))
def test_one_bad_item_spoils_only_itself(name: str):
    body = dict(batches_with_one_bad_item())[name]

    result = provider_for("alertmanager").parse(read_json(body))

    assert [event.name for event in result.events] == ["Poisoned"]
    assert [rejection.index for rejection in result.rejected] == [1]
    assert result.rejected[0].reason


@given(JSON_VALUES, st.sampled_from(["alertmanager", "grafana", "pagerduty", "generic"]))
def test_any_json_is_parsed_or_refused(value: object, slug: str):
    try:
        body = orjson.dumps(value)
    except TypeError:
        return

    with suppress(UnreadablePayload):
        provider_for(slug).parse(read_json(body))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes):
    with suppress(UnreadablePayload):
        read_json(body)


MEASURE = """
import resource, sys, time
from incidents.payload import UnreadablePayload, read_json
from tests.payloads.poison import POISONS
poison = next(poison for poison in POISONS if poison.name == sys.argv[1])
body = poison.body
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    read_json(body, poison.content_type)
except UnreadablePayload:
    pass
print(time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", [p.name for p in POISONS if p.name.startswith("10 MB")])
def test_the_worst_bodies_cost_little_time_and_memory(name: str):
    seconds, kilobytes = _print_of(MEASURE, name).split()

    assert float(seconds) < 0.3
    assert int(kilobytes) < 50_000


def _print_of(program: str, *arguments: str) -> str:
    """From an interpreter of its own, which no coverage and no earlier test has touched."""
    finished = subprocess.run(  # noqa: S603  # our own interpreter and text
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={},
        text=True,
    )
    return finished.stdout


@pytest.mark.parametrize("digits", ["9007199254740993", "18446744073709551617", "9" * 5_000])
def test_an_integer_that_javascript_would_change_is_kept_as_its_digits(digits: str):
    body = f'{{"id": {digits}, "below": -{digits}, "text": "{digits}", "near": 1.5}}'

    value = read_json(body.encode())

    assert value == {"id": digits, "below": f"-{digits}", "text": digits, "near": 1.5}


def test_numbers_that_are_exact_stay_numbers():
    value = read_json(b"[9007199254740992, 1e300, -3, 0.25, 18446744073709551617]")

    assert value == [9007199254740992, 1e300, -3, 0.25, "18446744073709551617"]


def test_a_long_value_is_cut_and_says_so():
    value = read_json(orjson.dumps({"text": "ü" * 10_000}))["text"]

    assert value.endswith(" … [cut: 20,000 bytes]")
    assert value.startswith("ü" * 4_000)
    assert len(value.encode()) <= MAX_VALUE_BYTES


def test_a_value_of_exactly_the_limit_is_not_cut():
    text = "ü" * (MAX_VALUE_BYTES // 2)

    assert read_json(orjson.dumps(text)) == text


def test_nul_becomes_the_replacement_character_in_keys_and_values():
    assert read_json(b'{"a\\u0000b": "c\\u0000d"}') == {"a\ufffdb": "c\ufffdd"}


def test_a_refused_item_keeps_its_place_in_the_batch():
    value = read_json(orjson.dumps([{"a": 1}, {"k" * 300: 1}]))

    assert value == [{"a": 1}, UnreadableItem("A key is longer than 256 bytes.")]


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "APPLICATION/JSON; charset=UTF-8", "text/plain", "application/a+json"],
)
def test_content_types_of_json_are_read(content_type: str):
    assert read_json(b"{}", content_type) == {}


@pytest.mark.parametrize("content_type", ["text/xml", "application/json; charset=latin-1", "json"])
def test_other_content_types_are_named_as_the_reason(content_type: str):
    with pytest.raises(UnsupportedContentType):
        read_json(b"{}", content_type)


MEASURE_GROUP = """
import time, orjson
from incidents.payload import read_json
from tests.payloads.poison import alert
alerts = [alert(instance=f"web-{n}", note="x" * 500) for n in range(100)]
body = orjson.dumps({"version": "4", "status": "firing", "alerts": alerts})
assert len(body) > 65_000
seconds = []
for _ in range(20):
    started = time.perf_counter()
    read_json(body)
    seconds.append(time.perf_counter() - started)
print(min(seconds))
"""


def test_a_hundred_alerts_are_read_in_under_three_milliseconds():
    seconds = float(_print_of(MEASURE_GROUP))

    assert seconds < 0.003
