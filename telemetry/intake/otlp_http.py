"""What OTLP over HTTP asks of a receiver around the message: encodings, gzip, answers.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-response: the answer has the encoding of the
request, and an error's body is a google.rpc.Status.
"""

import zlib
from collections import Counter
from typing import Any, Literal

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.intake.refusals import Oversized, Unreadable, Unsupported
from telemetry.intake.reports import said

Encoding = Literal["protobuf", "json"]
Signal = Literal["metrics", "logs", "traces"]

CONTENT_TYPES: dict[str, Encoding] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
MAX_BODY_BYTES = 16 * 2**20

_ANSWERS: dict[Signal, tuple[Any, str]] = {
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
}
_RPC_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    503: Code.UNAVAILABLE,
}


def encoding_of(content_type: str) -> Encoding:
    """Raises Unsupported for anything but the two of the specification."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in CONTENT_TYPES:
        raise Unsupported("Send application/x-protobuf or application/json.")
    return CONTENT_TYPES[media_type]


def decompress(body: bytes, content_encoding: str) -> bytes:
    """Raises Oversized as soon as more than MAX_BODY_BYTES would come out."""
    coding = content_encoding.strip().lower()
    if coding in ("", "identity"):
        plain = body
    elif coding == "gzip":
        plain = _gunzip(body)
    else:
        raise Unsupported("Content-Encoding may be gzip or absent.")
    if len(plain) > MAX_BODY_BYTES:
        raise Oversized(f"A request may hold {MAX_BODY_BYTES} bytes.")
    return plain


def encode_response(signal: Signal, refused: Counter[str], encoding: Encoding) -> bytes:
    """Body of a 200; without refusals partial_success stays unset, as the specification asks."""
    kind, count = _ANSWERS[signal]
    response = kind()
    if refused:
        setattr(response.partial_success, count, refused.total())
        response.partial_success.error_message = said(refused)
    return _encode(response, encoding)


def encode_status(http_status: int, message: str, encoding: Encoding) -> bytes:
    """Body of any 4xx or 5xx."""
    return _encode(
        Status(code=_RPC_CODES.get(http_status, Code.UNKNOWN), message=message), encoding
    )


def _gunzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Unreadable("The body is not gzip.") from error
    if len(plain) <= MAX_BODY_BYTES and (not unpacker.eof or unpacker.unused_data):
        raise Unreadable("The gzip body is cut off or has something after it.")
    return plain


def _encode(message: Message, encoding: Encoding) -> bytes:
    if encoding == "protobuf":
        return message.SerializeToString()
    return json_format.MessageToJson(message, indent=None).encode()
