"""Counts over time as bars of an SVG picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

STEPS = 60
SPARKS = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """In units of the picture, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str = ""


def stacked(
    counts: Iterable[tuple[int, str, int]],
    *,
    start: int,
    step: int,
    steps: int,
    order: Sequence[str],
    width: float,
    height: float,
) -> list[Bar]:
    """`counts` are (begin of the step, kind, how many), with one kind above the other in `order`,
    the first at the foot. What lies outside the steps is left out."""
    columns: list[dict[str, int]] = [{} for _ in range(steps)]
    for at, kind, count in counts:
        place = (at - start) // step
        if 0 <= place < steps:
            columns[place][kind] = columns[place].get(kind, 0) + count
    top = max((sum(column.values()) for column in columns), default=0) or 1
    wide = width / steps
    return [
        bar
        for place, column in enumerate(columns)
        for bar in _pile(column, order, place * wide, wide * 0.8, height, height / top)
    ]


def sparkline(
    times: Iterable[int], *, start: int, end: int, width: float, height: float
) -> list[Bar]:
    """How many of the times fall into each of SPARKS equal parts."""
    step = max((end - start) // SPARKS, 1)
    counted = ((at, "", 1) for at in times)
    return stacked(
        counted, start=start, step=step, steps=SPARKS, order=("",), width=width, height=height
    )


def _pile(
    column: Mapping[str, int],
    order: Sequence[str],
    x: float,
    width: float,
    height: float,
    scale: float,
) -> Iterable[Bar]:
    foot = height
    for kind in order:
        if count := column.get(kind, 0):
            tall = max(count * scale, 1.0)
            foot = max(foot - tall, 0.0)
            title = f"{count:,} {kind}".strip()
            yield Bar(round(x, 2), round(foot, 2), round(width, 2), round(tall, 2), kind, title)
