"""Two texts beside each other, or one under the other. Pure."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

CONTEXT = 3
Line = tuple[str, str]


@dataclass(frozen=True)
class Sides:
    """Both sides have the same number of lines; a sign is "+", "-" or " "."""

    left: list[Line]
    right: list[Line]


def unified(old: str, new: str) -> list[Line]:
    """Changed lines with three lines around them; empty when the texts are the same."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=CONTEXT)
    return [_signed(line) for line in list(lines)[2:]]


def side_by_side(old: str, new: str) -> Sides:
    """All lines, aligned; where one side has none it has an empty line."""
    before, after = old.splitlines(), new.splitlines()
    left: list[Line] = []
    right: list[Line] = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, before, after).get_opcodes():
        is_same = tag == "equal"
        left += _padded(before[a1:a2], " " if is_same else "-", b2 - b1)
        right += _padded(after[b1:b2], " " if is_same else "+", a2 - a1)
    return Sides(left, right)


def _padded(lines: list[str], sign: str, length: int) -> Iterator[Line]:
    for line in lines:
        yield sign, line
    for _ in range(length - len(lines)):
        yield " ", ""


def _signed(line: str) -> Line:
    if line.startswith("@@"):
        return " ", line
    return line[0], line[1:]
