from io import BytesIO
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from telemetry.parsing import MAX_BYTES, SafeJSONParser


def parse(body: bytes) -> Any:
    return SafeJSONParser().parse(BytesIO(body))


def test_a_document_is_read_as_it_is():
    body = b'{"reason": "d\xc3\xa9ploy \\u00e9", "n": [1, 2.5, null]}'

    assert parse(body) == {"reason": "déploy é", "n": [1, 2.5, None]}


def test_no_body_counts_as_an_empty_object():
    assert parse(b"") == {}


@pytest.mark.parametrize(("body", "value"), [(b"null", None), (b"[]", []), (b"0", 0)])
def test_what_is_no_object_is_not_taken_for_an_empty_one(body: bytes, value: object):
    assert parse(body) == value


REFUSED = {
    "not json": b"{",
    "nan": b'{"n": NaN}',
    "infinity": b'{"n": Infinity}',
    "not utf-8": b'{"a": "\xff"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "escaped nul": b'{"a": "x\\u0000y"}',
    "escaped nul after a backslash": b'{"a": "\\\\\\u0000"}',
    "nul in a key": b'{"\\u0000": 1}',
    "raw nul": b'{"a": "\x00"}',
    "too deep": b"[" * 100_000 + b"]" * 100_000,
    "two documents": b"{}{}",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_in_words(body: bytes):
    with pytest.raises(ParseError):
        parse(body)


def test_a_body_that_is_too_large_is_refused_without_being_read_whole():
    stream = BytesIO(b'"' + b"a" * (2 * MAX_BYTES) + b'"')

    with pytest.raises(ParseError, match="larger"):
        SafeJSONParser().parse(stream)

    assert stream.tell() == MAX_BYTES + 1


def test_a_text_about_nul_is_no_nul():
    assert parse(rb'{"a": "write \\u0000 here"}') == {"a": r"write \u0000 here"}


def test_an_unreadable_body_is_a_400_and_not_quoted_whole():
    with pytest.raises(ParseError) as caught:
        parse(b'{"secret": hunter2' + b"x" * 500)

    assert caught.value.status_code == 400
    assert len(str(caught.value)) < 200
