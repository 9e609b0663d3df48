"""Attributes of an OTLP export as labels: plain text of a bounded length."""

from collections.abc import Iterable, Mapping

from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

MAX_LABELS = 64
MAX_NAME = 255
MAX_VALUE = 1024
_CLEAN = str.maketrans({"\x00": "�"})
_INSTANCE_KEYS = ("service.instance.id", "host.name", "process.pid")


def read_attributes(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {clip(pair.key, MAX_NAME): clip(plain(pair.value), MAX_VALUE) for pair in attributes}


def plain(value: AnyValue) -> str:
    """https://opentelemetry.io/docs/specs/otel/common/#anyvalue-representation-for-non-otlp-protocols"""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in ("int_value", "double_value"):
        return str(getattr(value, kind))
    return json_format.MessageToJson(value, indent=None) if kind else ""


def clip(text: str, limit: int) -> str:
    text = text.translate(_CLEAN)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def service_of(resource: Mapping[str, str]) -> str:
    return resource.get("service.name") or "unknown_service"


def instance_of(resource: Mapping[str, str]) -> str:
    return "/".join(resource[key] for key in _INSTANCE_KEYS if key in resource)
