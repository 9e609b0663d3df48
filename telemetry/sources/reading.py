"""Answers become what was asked for, or a sentence that says why not."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import httpx
import numpy as np
from pydantic import TypeAdapter, ValidationError

from telemetry.sources.base import MOST_POINTS, SourceFailed, Stretch
from telemetry.store.frames import Frame

T = TypeVar("T")
LATEST_SECONDS = 10.0**10
TRACE_ID = re.compile(r"[0-9a-fA-F]{1,32}")
Line = tuple[Mapping[str, str], Iterable[tuple[float, float]]]
"""The labels of one series, and its points: seconds since the epoch and the value."""


def read(shape: TypeAdapter[T], response: httpx.Response) -> T:
    """The JSON of an answer. Raises SourceFailed, which repeats nothing of it."""
    try:
        return shape.validate_json(response.content)
    except ValidationError as error:
        raise SourceFailed(_words(response, error)) from error


def reason_after(beginning: bytes, refusal: bytes) -> str:
    """A refusal in plain text, if it begins as this product's do. Raises ValueError."""
    if not refusal.startswith(beginning):
        raise ValueError("This is not how the product refuses.")
    return refusal.decode(errors="replace")


def framed(lines: Iterable[Line]) -> list[Frame]:
    """Series that were measured at the same times share a frame."""
    together: defaultdict[tuple[int, ...], list[tuple[Mapping[str, str], list[float]]]]
    together = defaultdict(list)
    for labels, points in lines:
        pairs = list(points)
        at_ms = tuple(_ms(at) for at, _ in pairs)
        together[at_ms].append((labels, [value for _, value in pairs]))
    return [
        Frame(
            tuple(labels for labels, _ in series),
            np.array(at_ms, np.int64),
            np.array([values for _, values in series], np.float64),
        )
        for at_ms, series in together.items()
        if at_ms
    ]


def text_of(value: Any) -> str:
    """Of any value that JSON has, however large its numbers."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def demand_few_points(stretch: Stretch, step_ms: int) -> None:
    """Raises SourceFailed."""
    if step_ms <= 0 or stretch.end_ms < stretch.start_ms:
        words = "The step must be positive and the end not before the start."
        raise SourceFailed(words, is_about_question=True)
    if (stretch.end_ms - stretch.start_ms) // step_ms > MOST_POINTS:
        words = f"A series may have {MOST_POINTS:,} points: ask for a larger step."
        raise SourceFailed(words, is_about_question=True)


def _ms(at: float) -> int:
    if not 0 <= at < LATEST_SECONDS:
        raise SourceFailed("It told of a moment that cannot be.")
    return round(at * 1000)


def _words(response: httpx.Response, error: ValidationError) -> str:
    if response.content.lstrip()[:1] == b"<":
        return (
            "It answered with a page instead of JSON. "
            "Is the address right, or is a sign-in page in front of it?"
        )
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "Its answer is no JSON that can be read; perhaps it was cut off."
    place = ".".join(str(part) for part in first["loc"][:6]) or "the whole"
    return f"Its answer is not of the documented shape (at {place[:100]}). Is it the right kind?"
