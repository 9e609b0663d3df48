"""Regular expressions whose matching time grows only linearly with the text.

Python's ``re`` backtracks: a pattern such as ``(a+)+b`` keeps a worker busy for hours, and
patterns and labels both come from outside. This is the common part of RE2's syntax (literals,
``.``, classes, ``\\d \\w \\s``, groups, ``|``, ``* + ? {m,n}``, a leading ``(?i)``) run as a
position automaton (Glushkov, "The abstract theory of automata", 1961) whose state is one int.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

from incidents.regex_syntax import (
    Alternatives,
    Characters,
    Node,
    Repeat,
    Sequence,
    UnsupportedPattern,
    parse_regex,
)

MAX_POSITIONS = 256
MAX_PARTS = 2_000

_STATE_OCTETS = MAX_POSITIONS // 8
_REMEMBERED_STEPS = 2_000

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class _Part:
    """Bit sets of positions a part of the pattern can begin and end with."""

    first: int
    last: int
    is_nullable: bool


_NOTHING = _Part(first=0, last=0, is_nullable=True)


class LinearRegex:
    """Matches whole texts only."""

    def __init__(self, pattern: str) -> None:
        """Raises UnsupportedPattern, saying what is wrong."""
        self._parts_left = MAX_PARTS
        self._accepts: list[Characters] = []
        self._follow: list[int] = []
        whole = self._build(parse_regex(pattern))
        self._first, self._last, self._is_nullable = whole.first, whole.last, whole.is_nullable
        self._reached: dict[int, int] = {}
        self._octet_follows: dict[tuple[int, int], int] = {}
        self._masks: dict[str, int] = {}

    def fullmatch(self, text: str) -> bool:
        if not text:
            return self._is_nullable
        reachable = state = self._first
        for character in text:
            state = reachable & self._mask(character)
            if not state:
                return False
            reachable = self._reachable_from(state)
        return bool(state & self._last)

    def _mask(self, character: str) -> int:
        mask = self._masks.get(character)
        if mask is None:
            mask = sum(
                1 << at for at, accepted in enumerate(self._accepts) if accepted.accept(character)
            )
            _remember(self._masks, character, mask)
        return mask

    def _reachable_from(self, state: int) -> int:
        reachable = self._reached.get(state)
        if reachable is None:
            reachable = 0
            for index, octet in enumerate(state.to_bytes(_STATE_OCTETS, "little")):
                if octet:
                    reachable |= self._octet_follow(index, octet)
            _remember(self._reached, state, reachable)
        return reachable

    def _octet_follow(self, index: int, octet: int) -> int:
        """What eight positions lead to; at most 256 answers for each eight, so all are kept."""
        follow = self._octet_follows.get((index, octet))
        if follow is None:
            positions = _bits(octet << 8 * index)
            follow = reduce(int.__or__, (self._follow[at] for at in positions), 0)
            self._octet_follows[index, octet] = follow
        return follow

    def _build(self, node: Node) -> _Part:
        self._parts_left -= 1
        if self._parts_left < 0 or len(self._accepts) >= MAX_POSITIONS:
            raise UnsupportedPattern("it is too large once its repeats are written out.")
        if isinstance(node, Characters):
            return self._position(node)
        if isinstance(node, Sequence):
            return reduce(self._joined, map(self._build, node.parts), _NOTHING)
        if isinstance(node, Alternatives):
            return reduce(_either, map(self._build, node.options))
        return self._repeat(node)

    def _position(self, characters: Characters) -> _Part:
        bit = 1 << len(self._accepts)
        self._accepts.append(characters)
        self._follow.append(0)
        return _Part(first=bit, last=bit, is_nullable=False)

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._let_follow(left.last, right.first)
        return _Part(
            first=left.first | (right.first if left.is_nullable else 0),
            last=right.last | (left.last if right.is_nullable else 0),
            is_nullable=left.is_nullable and right.is_nullable,
        )

    def _repeat(self, node: Repeat) -> _Part:
        needed = reduce(self._joined, (self._build(node.part) for _ in range(node.least)), _NOTHING)
        if node.most is None:
            return self._joined(needed, self._any_number_of(node.part))
        more = (_optional(self._build(node.part)) for _ in range(node.most - node.least))
        return reduce(self._joined, more, needed)

    def _any_number_of(self, node: Node) -> _Part:
        part = self._build(node)
        self._let_follow(part.last, part.first)
        return _optional(part)

    def _let_follow(self, last: int, first: int) -> None:
        for at in _bits(last):
            self._follow[at] |= first


def _optional(part: _Part) -> _Part:
    return _Part(part.first, part.last, is_nullable=True)


def _either(left: _Part, right: _Part) -> _Part:
    is_nullable = left.is_nullable or right.is_nullable
    return _Part(left.first | right.first, left.last | right.last, is_nullable=is_nullable)


def _bits(number: int) -> Iterable[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _remember(steps: dict[Key, int], key: Key, step: int) -> None:
    if len(steps) >= _REMEMBERED_STEPS:
        steps.clear()
    steps[key] = step
