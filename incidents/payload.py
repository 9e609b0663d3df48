"""Bytes from a stranger become a JSON value of bounded size, or a refusal an operator can read.

What makes a whole body unreadable is refused (encoding, syntax, depth, far too many values);
what is wrong with one item of a batch spoils only that item; a text that is too long is cut.
"""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

JsonValue: TypeAlias = Any

MAX_DEPTH = 32
MAX_KEYS = 256
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 8_192
MAX_ITEMS = 10_000
MAX_VALUES = 250_000  # ten thousand alerts of 25 values; keeps memory and time bounded
LARGEST_EXACT_INT = 2**53

_BATCH_DEPTH = 2  # a batch is the body itself or one of its fields
_FOUR_BYTE_CHARACTERS = 4
_SHORT = MAX_VALUE_BYTES // _FOUR_BYTE_CHARACTERS
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+', re.DOTALL)
_INTEGER = re.compile(rb"-?\d{16,}")
_JSON_TYPES = {"", "application/json", "text/json", "text/plain"}


class UnreadablePayload(Exception):
    """A body or an item that cannot be understood; the message is fit to show to an operator."""


class UnsupportedContentType(UnreadablePayload):
    """The body says it is not JSON."""


@dataclass(frozen=True, slots=True)
class UnreadableItem:
    """Stands in a batch where an item was refused, so that the others can be kept."""

    reason: str


def read_json(body: bytes, content_type: str = "application/json") -> JsonValue:
    """The JSON value of ``body`` within this module's limits.

    In the body's own list or a list directly in one of its fields, an item that breaks a limit is
    replaced by an ``UnreadableItem``. Integers beyond ±2^53 are strings, NUL is U+FFFD, and a
    text over 8 kB ends in a marker that says how long it was. Raises UnreadablePayload.
    """
    _require_json(content_type)
    _require_few_values(body)
    try:
        value = _parse(body)
        return _bounded(value, 1)
    except _InexactInteger:
        return _bounded(_parse(_quote_long_integers(body)), 1, exact=True)


class _InexactInteger(Exception):
    """A number came out as a float that may have been an integer of more digits."""


def _require_json(content_type: str) -> None:
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type not in _JSON_TYPES and not media_type.endswith("+json"):
        raise UnsupportedContentType("Send JSON with the header Content-Type: application/json.")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise UnsupportedContentType("Send the body as UTF-8.")


def _require_few_values(body: bytes) -> None:
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise UnreadablePayload(f"The body holds more than {MAX_VALUES:,} values.")


def _parse(body: bytes) -> JsonValue:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "infinity" in str(error) and (quoted := _quote_long_integers(body)) != body:
            return _parse(quoted)
        raise UnreadablePayload(f"The body is not JSON in UTF-8: {error}.") from error


def _quote_long_integers(body: bytes) -> bytes:
    return _TOKEN.sub(_quote_if_inexact, body)


def _quote_if_inexact(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if not _INTEGER.fullmatch(token):
        return token
    is_exact = len(token) < 20 and abs(int(token)) <= LARGEST_EXACT_INT
    return token if is_exact else b'"' + token + b'"'


def _bounded(value: JsonValue, depth: int, *, exact: bool = False) -> JsonValue:
    if isinstance(value, str):
        return _bounded_text(value)
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise UnreadablePayload(f"The body is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(value, dict):
            return _bounded_object(value, depth, exact=exact)
        return _bounded_list(value, depth, exact=exact)
    if isinstance(value, float) and abs(value) > LARGEST_EXACT_INT and not exact:
        raise _InexactInteger
    if isinstance(value, int) and abs(value) > LARGEST_EXACT_INT:
        return str(value)
    return value


def _bounded_text(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if len(text) <= _SHORT:
        return text
    encoded = text.encode()
    if len(encoded) <= MAX_VALUE_BYTES:
        return text
    marker = f" … [cut: {len(encoded):,} bytes]"
    kept = encoded[: MAX_VALUE_BYTES - len(marker.encode())]
    return kept.decode(errors="ignore") + marker


def _bounded_object(value: dict[str, Any], depth: int, *, exact: bool) -> dict[str, Any]:
    """In place, since a copy of a large body would double its memory."""
    if len(value) > MAX_KEYS:
        raise UnreadablePayload(f"An object has {len(value):,} keys; {MAX_KEYS} are read.")
    for key, member in value.items():
        _demand_short_key(key)
        if type(member) is not str or len(member) > _SHORT or "\0" in member:
            value[key] = _bounded(member, depth + 1, exact=exact)
    if "\0" in "".join(value):
        return {key.replace("\0", "\ufffd"): member for key, member in value.items()}
    return value


def _demand_short_key(key: str) -> None:
    if len(key) * _FOUR_BYTE_CHARACTERS > MAX_KEY_BYTES and len(key.encode()) > MAX_KEY_BYTES:
        raise UnreadablePayload(f"A key is longer than {MAX_KEY_BYTES} bytes.")


def _bounded_list(value: list[Any], depth: int, *, exact: bool) -> list[Any]:
    if len(value) > MAX_ITEMS:
        raise UnreadablePayload(f"A list has {len(value):,} items; {MAX_ITEMS:,} are read.")
    bounded = _bounded if depth > _BATCH_DEPTH else _bounded_item
    for index, item in enumerate(value):
        value[index] = bounded(item, depth + 1, exact=exact)
    return value


def _bounded_item(item: JsonValue, depth: int, *, exact: bool) -> JsonValue:
    try:
        return _bounded(item, depth, exact=exact)
    except UnreadablePayload as error:
        return UnreadableItem(str(error))
