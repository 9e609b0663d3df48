"""OTLP's own form of JSON: ids are hex there, where protobuf's generic mapping wants base64.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import base64
import binascii
from typing import Any

import orjson

from telemetry.intake.refusals import Oversized, Unreadable

MOST_VALUES = 500_000
_STRUCTURE = (b"{", b"[", b",")
_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


def read_object(body: bytes) -> dict[str, Any]:
    """Raises Unreadable. Exemplars are left out: they are not kept."""
    if sum(map(body.count, _STRUCTURE)) > MOST_VALUES:  # before they take fifty times the memory
        raise Oversized(f"A JSON export may hold {MOST_VALUES:,} values.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable("The body is not JSON.") from error
    if not isinstance(document, dict):
        raise Unreadable("The body is not a JSON object.")
    _translate(document)
    return document


def _translate(document: dict[str, Any]) -> None:
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            part.pop("exemplars", None)
            _translate_ids(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _translate_ids(part: dict[str, Any]) -> None:
    for name in _IDS:
        if isinstance(part.get(name), str):
            part[name] = _base64_of(part[name])


def _base64_of(text: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (ValueError, binascii.Error) as error:
        raise Unreadable("An id is not hexadecimal.") from error
