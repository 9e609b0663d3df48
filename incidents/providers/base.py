"""What every provider offers: one product's webhook body, translated to alert events."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ValidationError

from incidents.event import AlertEvent, AlertStatus, Severity
from incidents.payload import UnreadableItem, UnreadablePayload
from telemetry.change_event import ChangeEvent

__all__ = [
    "AlertEvent", "AlertStatus", "ChangeEvent", "ParseResult", "Provider", "Rejection", "Severity",
    "UnreadablePayload", "collect", "one_line", "read_body", "texts", "web_url",
]  # fmt: skip

_LONGEST_NAME = 255
_LONGEST_URL = 2_048
_SHOWN_ERRORS = 3

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Rejection:
    """``index`` is the item's place in the sender's batch, from 0."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class ParseResult:
    events: tuple[AlertEvent, ...]
    rejected: tuple[Rejection, ...] = ()
    changes: tuple[ChangeEvent, ...] = ()


class Provider(ABC):
    """Reads one product's webhook: no database, no clock, no network.

    A body that is this product's and says nothing of alerts or changes has an empty result.
    """

    slug: ClassVar[str]
    docs_url: ClassVar[str]

    @classmethod
    def configured(cls, settings: Mapping[str, Any]) -> Self:  # noqa: ARG003  # for overriding
        """A provider with an integration's own settings; most products need none."""
        return cls()

    @abstractmethod
    def parse(self, payload: Any) -> ParseResult:
        """Keeps the good items of a batch and names the bad ones.

        ``payload`` is what ``incidents.payload.read_json`` returned. Raises UnreadablePayload
        when the body as a whole is not this product's.
        """


def collect(
    items: Iterable[Any], translate: Callable[[Any], AlertEvent | ChangeEvent | None]
) -> ParseResult:
    """Translates each item; one that cannot be is rejected with its reason. None says nothing."""
    told: list[AlertEvent | ChangeEvent | None] = []
    rejected: list[Rejection] = []
    for index, item in enumerate(items):
        try:
            told.append(translate(_readable(item)))
        except UnreadablePayload as error:
            rejected.append(Rejection(index, str(error)))
        except ValidationError as error:
            rejected.append(Rejection(index, _explain(error)))
    return ParseResult(
        tuple(each for each in told if isinstance(each, AlertEvent)),
        tuple(rejected),
        tuple(each for each in told if isinstance(each, ChangeEvent)),
    )


def _readable(item: Any) -> Any:
    if isinstance(item, UnreadableItem):
        raise UnreadablePayload(item.reason)
    return item


def read_body(model: type[Body], payload: Any, *, product: str) -> Body:
    """Raises UnreadablePayload, saying which field is wrong."""
    try:
        return model.model_validate(_readable(payload))
    except ValidationError as error:
        raise UnreadablePayload(f"This is not a message of {product}: {_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    """Where and what, but never the value: it may be long, or a secret."""
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'the item'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    hidden = len(problems) - _SHOWN_ERRORS
    return "; ".join(problems[:_SHOWN_ERRORS]) + (f"; and {hidden} more" if hidden > 0 else "")


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Labels or annotations as texts: null is left out, what is nested becomes JSON."""
    return {name: as_text(value) for name, value in values.items() if value is not None}


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, UnreadableItem):
        return value.reason
    return orjson.dumps(value, default=as_text, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def one_line(*candidates: Any) -> str:
    """The first candidate that is a text with something in it, on one line of 255 characters."""
    for candidate in candidates:
        line = " ".join(candidate.split()) if isinstance(candidate, str) else ""
        if line:
            return line[:_LONGEST_NAME]
    return ""


def web_url(*candidates: Any) -> str:
    """The first candidate that is an absolute http(s) address, or an empty text."""
    return next((url for url in candidates if isinstance(url, str) and _is_web_url(url)), "")


def _is_web_url(url: str) -> bool:
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
