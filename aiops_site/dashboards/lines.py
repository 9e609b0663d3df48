"""The series of an answer, named, thinned to what a panel can show, and summed up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.promql.vectors import NAME, Indexes, Labels, Mask, Scalar, Vector
from telemetry.store.frames import Times, Values

MOST_LINES = 30
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A series. None in `y` is a gap; `last` is the newest value that is known."""

    name: str
    x: Sequence[int]
    y: Sequence[float | None]
    last: float
    least: float
    most: float
    mean: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines that are shown, of how many there are."""

    lines: list[Line]
    total: int


def lines_of(times: Times, value: Vector | Scalar, *, legend: str, otherwise: str) -> Answer:
    """`otherwise` names a series that has no labels; of too many the greatest are shown."""
    if isinstance(value, Scalar):
        there = np.isfinite(value.values)
        return Answer([_line(otherwise, times, value.values, there)] if there.any() else [], 1)
    present = value.present & np.isfinite(value.values)
    rows = np.flatnonzero(present.any(axis=1))
    shown = _greatest(value.values, present, rows)
    names = names_of([value.labels[row] for row in shown], legend, otherwise)
    found = [
        _line(name, times, value.values[row], present[row])
        for name, row in zip(names, shown, strict=True)
    ]
    return Answer(sorted(found, key=lambda line: line.name), len(rows))


def names_of(labels: Sequence[Labels], legend: str, otherwise: str) -> list[str]:
    """From the template; else what tells the series apart, or what they are called."""
    if legend:
        return [_written(legend, each) for each in labels]
    if len(labels) == 1:
        return [_whole(labels[0], otherwise)]
    telling = _telling(labels)
    return [", ".join(each.get(name, "") for name in telling) or otherwise for each in labels]


def _written(legend: str, labels: Labels) -> str:
    return _PLACE.sub(lambda found: labels.get(found[1], ""), legend)


def _telling(labels: Sequence[Labels]) -> list[str]:
    """The labels that are not the same everywhere."""
    names = sorted({name for each in labels for name in each})
    return [name for name in names if len({each.get(name) for each in labels}) > 1]


def _whole(labels: Labels, otherwise: str) -> str:
    others = ", ".join(f"{name}={value}" for name, value in sorted(_others(labels).items()))
    return " ".join(part for part in (labels.get(NAME, ""), others) if part) or otherwise


def _others(labels: Labels) -> Mapping[str, str]:
    return {name: value for name, value in labels.items() if name != NAME}


def _greatest(values: Values, present: Mask, rows: Indexes) -> list[int]:
    if len(rows) > MOST_LINES:
        tops = np.where(present[rows], values[rows], -np.inf).max(axis=1)
        rows = rows[np.argsort(-tops, kind="stable")[:MOST_LINES]]
    return [int(row) for row in rows]


def _line(name: str, times: Times, values: Values, present: Mask) -> Line:
    known = values[present]
    y = [
        value if is_there else None
        for value, is_there in zip(values.tolist(), present.tolist(), strict=True)
    ]
    return Line(
        name=name,
        x=times.tolist(),
        y=y,
        last=float(known[-1]),
        least=float(known.min()),
        most=float(known.max()),
        mean=float(known.mean()),
    )
