"""What goes into a metric store and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]  # milliseconds since the epoch
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matcher:
    """As in PromQL; regular expressions are anchored at both ends and run in linear time."""

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples to keep.

    `labels` holds each series once, with its `__name__`;
    `series[i]` is the index into it that sample i belongs to.
    """

    labels: Sequence[Mapping[str, str]]
    series: npt.NDArray[np.int64]
    at_ms: Times
    values: Values


@dataclass(frozen=True, slots=True)
class Frame:
    """Series that were measured at the same times, without holes.

    `values[i, j]` is series i at `at_ms[j]`, which ascend.
    A stale marker is the NaN with the bits 0x7ff0000000000002, as Prometheus writes it.
    """

    labels: tuple[Mapping[str, str], ...]  # m
    at_ms: Times  # (n,)
    values: Values  # (m, n)
