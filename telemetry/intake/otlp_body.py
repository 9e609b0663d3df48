"""A body of OTLP becomes one of its messages, in either encoding and of a bearable size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from telemetry.intake.otlp_http import Encoding
from telemetry.intake.otlp_json import read_object
from telemetry.intake.refusals import Oversized, Unreadable

MOST_PARTS = 100_000
MOST_EMPTY = 500_000
_EMPTY_FIELDS = [bytes([number << 3 | 2, 0]) for number in range(1, 8)]

Request = TypeVar("Request", bound=Message)
Part = TypeVar("Part")


def parse(kind: type[Request], body: bytes, encoding: Encoding) -> Request:
    """Raises Unreadable."""
    request = kind()
    try:
        if encoding == "protobuf":
            _demand_substance(body)
            request.ParseFromString(body)
        else:
            json_format.ParseDict(read_object(body), request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError) as error:
        raise Unreadable(f"The body is not an {request.DESCRIPTOR.name}.") from error
    return request


def _demand_substance(body: bytes) -> None:
    """Two bytes are an empty message, which takes thirty times as many once it is parsed."""
    if len(body) > MOST_EMPTY and sum(map(body.count, _EMPTY_FIELDS)) > MOST_EMPTY:
        raise Oversized(f"An export may hold {MOST_EMPTY:,} empty parts.")


@dataclass(slots=True)
class Budget:
    """How many parts of an export may still be looked at: empty ones cost two bytes each."""

    left: int = MOST_PARTS

    def spend(self, parts: Iterable[Part]) -> Iterator[Part]:
        """Raises Oversized."""
        for part in parts:
            self.left -= 1
            if self.left < 0:
                raise Oversized(f"An export may hold {MOST_PARTS:,} resources, scopes and records.")
            yield part
