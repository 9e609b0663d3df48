"""The common part of RE2's pattern syntax, parsed to a small tree."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

MAX_PATTERN_LENGTH = 512
MAX_NESTING = 20
MAX_REPEAT = 100

_LAST_CODE_POINT = 0x10FFFF
_DIGITS = ((48, 57),)
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE = ((9, 13), (32, 32))
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_BRACES = re.compile(r"\{(\d{1,3})(,(\d{1,3})?)?\}", re.ASCII)

Ranges: TypeAlias = tuple[tuple[int, int], ...]


class UnsupportedPattern(ValueError):
    """The message says which part of the pattern, and where, counted from 1."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of these code points."""

    ranges: Ranges
    ignores_case: bool = False

    def accept(self, character: str) -> bool:
        if self.ignores_case:
            variants = {character, character.lower(), character.upper()}
            return any(self._holds(variant) for variant in variants if len(variant) == 1)
        return self._holds(character)

    def _holds(self, character: str) -> bool:
        return any(low <= ord(character) <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``most`` is None for any number."""

    part: "Node"
    least: int
    most: int | None


Node: TypeAlias = Characters | Sequence | Alternatives | Repeat


def parse_regex(pattern: str) -> Node:
    """Raises UnsupportedPattern. A leading ^ and a final $ are allowed and change nothing."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise UnsupportedPattern(f"a pattern is at most {MAX_PATTERN_LENGTH} characters long.")
    return _Parser(pattern).parse()


def _complement(ranges: Ranges) -> Ranges:
    gaps, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            gaps.append((start, low - 1))
        start = max(start, high + 1)
    if start <= _LAST_CODE_POINT:
        gaps.append((start, _LAST_CODE_POINT))
    return tuple(gaps)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._ignores_case = pattern.startswith("(?i)")
        self._pattern = pattern
        self._at = len("(?i)") if self._ignores_case else 0
        self._nesting = 0

    def parse(self) -> Node:
        self._accept("^")
        node = self._alternatives()
        if self._accept("$") and not self._is_at_end():
            raise self._error("$ is only allowed at the end")
        if not self._is_at_end():
            raise self._error("a ) without its (")
        return node

    def _alternatives(self) -> Node:
        options = [self._sequence()]
        while self._accept("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Alternatives(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while not self._is_at_end() and self._peek() not in "|)$":
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return part
        self._accept("?")  # a lazy repeat matches the same whole texts
        if self._bounds() is not None:
            raise self._error("a repeat of a repeat; put the first in brackets")
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._accept(sign):
                return bounds
        found = _BRACES.match(self._pattern, self._at)
        if found is None:
            return None
        least = int(found[1])
        most = least if not found[2] else int(found[3]) if found[3] else None
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self._error(f"a repeat must rise and stay under {MAX_REPEAT + 1}")
        self._at = found.end()
        return least, most

    def _atom(self) -> Node:
        start = self._peek()
        if start in "*+?":
            raise self._error("nothing to repeat")
        if start == "^":
            raise self._error("^ is only allowed at the start")
        self._at += 1
        readers: dict[str, Callable[[], Node]] = {
            "(": self._group,
            "[": self._bracketed,
            "\\": lambda: self._characters(self._escaped()),
            ".": lambda: self._characters(((0, _LAST_CODE_POINT),)),
        }
        return readers.get(start, lambda: self._characters(((ord(start), ord(start)),)))()

    def _group(self) -> Node:
        if not self._accept("?:") and self._accept("?"):
            raise self._error("only plain groups and (?:...) are supported")
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(f"more than {MAX_NESTING} groups in each other")
        node = self._alternatives()
        self._nesting -= 1
        if not self._accept(")"):
            raise self._error("a ( without its )")
        return node

    def _bracketed(self) -> Node:
        is_negated = self._accept("^")
        ranges = list(self._bracket_range())
        while not self._accept("]"):
            ranges.extend(self._bracket_range())
        return self._characters(_complement(tuple(ranges)) if is_negated else tuple(ranges))

    def _bracket_range(self) -> Ranges:
        low = self._bracket_member()
        pattern = self._pattern
        is_range = self._peek() == "-" and pattern[self._at + 1 : self._at + 2] not in {"]", ""}
        if not is_range:
            return low
        self._at += 1
        high = self._bracket_member()
        is_of_characters = len(low) == len(high) == 1
        if not is_of_characters or low[0][0] > high[0][1]:
            raise self._error("a range that runs backwards")
        return ((low[0][0], high[0][1]),)

    def _bracket_member(self) -> Ranges:
        character = self._peek()
        self._at += 1
        return self._escaped() if character == "\\" else ((ord(character), ord(character)),)

    def _escaped(self) -> Ranges:
        character = self._peek()
        self._at += 1
        if character.lower() in _CLASSES:
            ranges = _CLASSES[character.lower()]
            return ranges if character.islower() else _complement(ranges)
        character = _CONTROLS.get(character, character)
        if character.isascii() and character.isalnum():
            raise self._error(f"\\{character} is not supported")
        return ((ord(character), ord(character)),)

    def _characters(self, ranges: Ranges) -> Characters:
        return Characters(ranges, self._ignores_case)

    def _is_at_end(self) -> bool:
        return self._at >= len(self._pattern)

    def _peek(self) -> str:
        if self._is_at_end():
            raise self._error("it ends too early")
        return self._pattern[self._at]

    def _accept(self, text: str) -> bool:
        is_next = self._pattern.startswith(text, self._at)
        self._at += len(text) if is_next else 0
        return is_next

    def _error(self, problem: str) -> UnsupportedPattern:
        return UnsupportedPattern(
            f"{problem} (at character {min(self._at, len(self._pattern)) + 1})."
        )
