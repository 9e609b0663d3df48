"""Measured points as they came in, before rates are made of them."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram", "delta_histogram"]


@dataclass(frozen=True, slots=True)
class Buckets:
    """`counts` has one more than `bounds`: the last bucket has no upper end."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of one series.

    `kind` says how to read `value`: a gauge is what it says, a counter is cumulative since
    `start_ms`, a histogram's value is its count and its `buckets` are cumulative, those of a
    delta_histogram belong to start_ms..at_ms. `instance` tells the processes of a service apart
    while rates are derived; it is no label, so a restart goes on with the same series.
    """

    service: str
    name: str
    labels: dict[str, str]
    at_ms: int
    value: float
    unit: str
    kind: Kind
    start_ms: int = 0
    instance: str = ""
    buckets: Buckets | None = None
