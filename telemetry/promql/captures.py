"""What the groups of a pattern caught, in linear time.

The engine that pydantic brings says only whether a pattern matches, and Python's own may take for
ever. So the pattern becomes a little program, and no place of it is tried twice at a place of the
text, as RE2's backtracker does it (https://swtch.com/~rsc/regexp/regexp2.html).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.linear_regex import matches_whole

MOST_INSTRUCTIONS = 1_000
MOST_DEPTH = 50  # of groups inside each other
_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d{1,3})(?:(,)(\d{1,3})?)?\})(\?)?")
_GROUP = re.compile(r"\((?:(\?:)|\?P?<(\w+)>|(?!\?))")
_CHARACTER = re.compile(r"\[\^?\]?(?:[^\]\\[]|\\[^bBAzpPQE])*\]|\\[dDwWsStnrfv\W_]|[^*+?()|{\\[]")

Move = Callable[[str, int], int]  # to the next place of the text, or to -1
Spot = tuple[int, int, tuple[int, ...]]  # in the program, in the text, what was caught until here


class UnknownPattern(ValueError):
    """More than the usual parts of a pattern; the message names the place."""


@dataclass(frozen=True, slots=True)
class Catch:
    slot: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Relative; the first one is tried first."""

    to: tuple[int, ...]


Program = list[Move | Catch | Jump]


@dataclass
class Pattern:
    """Raises UnknownPattern."""

    text: str
    names: dict[str, int] = field(default_factory=lambda: {"0": 0})
    program: Program = field(default_factory=list)
    _place: int = 0
    _depth: int = 0

    def __post_init__(self) -> None:
        self.program = [*self._alternatives(), _at_end]
        if self._place < len(self.text):
            raise self._unknown()

    def groups(self, text: str) -> dict[str, str] | None:
        """What each group caught, by number and by name; None unless the whole text matches."""
        tried: set[tuple[int, int]] = set()
        waiting: list[Spot] = [(0, 0, (-1,) * (2 * len(self.names) + 2))]
        while waiting:
            place, at, slots = waiting.pop()
            while (place, at) not in tried:
                tried.add((place, at))
                if place == len(self.program):
                    return self._caught(text, slots)
                step = self.program[place]
                if isinstance(step, Jump):
                    waiting.extend((place + by, at, slots) for by in reversed(step.to))
                    break
                if isinstance(step, Catch):
                    slots = (*slots[: step.slot], at, *slots[step.slot + 1 :])
                elif (at := step(text, at)) < 0:
                    break
                place += 1
        return None

    def _caught(self, text: str, slots: tuple[int, ...]) -> dict[str, str]:
        caught = {"0": text}
        for name, number in self.names.items():
            if number:
                start, end = slots[2 * number : 2 * number + 2]
                caught[name] = text[start:end] if end >= 0 else ""
        return caught

    def _alternatives(self) -> Program:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
            if sum(map(len, branches)) + 2 * len(branches) > MOST_INSTRUCTIONS:
                raise self._unknown()
        found = branches.pop()
        for branch in reversed(branches):
            enter, leave = Jump((1, len(branch) + 2)), Jump((len(found) + 1,))
            found = [enter, *branch, leave, *found]
        return found

    def _sequence(self) -> Program:
        found: Program = []
        while self._place < len(self.text) and self.text[self._place] not in "|)":
            start = self._place
            atom = self._atom()
            found += self._repeated(atom, self.text[start : self._place])
            if len(found) > MOST_INSTRUCTIONS:
                raise self._unknown()
        return found

    def _atom(self) -> Program:
        if group := _GROUP.match(self.text, self._place):
            self._place = group.end()
            return self._group(is_caught=group[1] is None, name=group[2])
        written = _CHARACTER.match(self.text, self._place)
        if written is None:
            raise self._unknown()
        self._place = written.end()
        if written[0] in _ANCHORS:
            return [_ANCHORS[written[0]]]
        return [_one_of(re.compile(written[0], re.ASCII))]

    def _group(self, *, is_caught: bool, name: str | None) -> Program:
        number = 1 + max(self.names.values())
        if is_caught:
            self.names |= {str(number): number} | ({name: number} if name else {})
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._unknown()
        inner = self._alternatives()
        self._depth -= 1
        if not self._take(")"):
            raise self._unknown()
        return [Catch(2 * number), *inner, Catch(2 * number + 1)] if is_caught else inner

    def _repeated(self, atom: Program, written: str) -> Program:
        """What is caught by a loop over what may be nothing, engines do not agree on."""
        quantifier = _QUANTIFIER.match(self.text, self._place)
        if quantifier is None:
            return atom
        self._place = quantifier.end()
        sign, least, comma, most, is_lazy = quantifier.groups()
        if sign:
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        else:
            bounds = int(least), int(most) if most else None if comma else int(least)
        is_huge = (bounds[1] or bounds[0]) * len(atom) > MOST_INSTRUCTIONS
        if is_huge or (bounds[1] is None and matches_whole(written, "")):
            raise self._unknown()
        return _times(atom, *bounds, is_lazy=bool(is_lazy))

    def _take(self, character: str) -> bool:
        is_there = self.text.startswith(character, self._place)
        self._place += is_there
        return is_there

    def _unknown(self) -> UnknownPattern:
        return UnknownPattern(f"cannot tell what groups catch, from character {self._place + 1} on")


def _one_of(character: re.Pattern[str]) -> Move:
    def move(text: str, at: int) -> int:
        return at + 1 if at < len(text) and character.match(text, at) else -1

    return move


def _at_start(text: str, at: int) -> int:
    return at if at == 0 else -1


def _at_end(text: str, at: int) -> int:
    return at if at == len(text) else -1


_ANCHORS: dict[str, Move] = {"^": _at_start, "$": _at_end}


def _times(atom: Program, least: int, most: int | None, *, is_lazy: bool) -> Program:
    size = len(atom)
    if most is None:
        loop = _choice(1, size + 2, is_lazy=is_lazy)
        return [*atom * least, loop, *atom, Jump((-size - 1,))]
    found: Program = []
    for _ in range(most - least):  # each is only tried when the one before was there
        found = [_choice(1, size + len(found) + 1, is_lazy=is_lazy), *atom, *found]
    return [*atom * least, *found]


def _choice(enter: int, leave: int, *, is_lazy: bool) -> Jump:
    return Jump((leave, enter) if is_lazy else (enter, leave))
