"""Attributes of an OTLP export as labels: plain text of a bounded length."""

from collections.abc import Iterable, Mapping
from itertools import islice

from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

MAX_LABELS = 64
MAX_NAME = 255
MAX_VALUE = 1024
MOST_NESTED_BYTES = 16_384
_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8
_CLEAN = str.maketrans({"\x00": "�"})
_INSTANCE_KEYS = ("service.instance.id", "host.name", "process.pid")


def read_attributes(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """The first MAX_LABELS of them."""
    return {
        clip(pair.key, MAX_NAME): clip(plain(pair.value), MAX_VALUE)
        for pair in islice(attributes, MAX_LABELS)
    }


def plain(value: AnyValue) -> str:
    """https://opentelemetry.io/docs/specs/otel/common/#anyvalue-representation-for-non-otlp-protocols"""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in ("int_value", "double_value"):
        return str(getattr(value, kind))
    if value.ByteSize() > MOST_NESTED_BYTES:  # a list of nothings takes two bytes a piece
        return "(too large to keep)"
    return json_format.MessageToJson(value, indent=None) if kind else ""


def clip(text: str, limit: int) -> str:
    text = text.translate(_CLEAN)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def service_of(resource: Mapping[str, str]) -> str:
    return clip(resource.get("service.name") or "unknown_service", MAX_NAME)


def instance_of(resource: Mapping[str, str]) -> str:
    return "/".join(resource[key] for key in _INSTANCE_KEYS if key in resource)


def trace_id_of(encoded: bytes) -> str:
    """Lower-case hex; empty for what is no id."""
    return _id_of(encoded, _TRACE_ID_BYTES)


def span_id_of(encoded: bytes) -> str:
    return _id_of(encoded, _SPAN_ID_BYTES)


def _id_of(encoded: bytes, length: int) -> str:
    return encoded.hex() if len(encoded) == length and any(encoded) else ""
