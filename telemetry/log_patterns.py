"""Templates of log lines: what they have in common, with <*> where they differ.

After Drain (He et al., ICWS 2017): lines are told apart by their number of words and their first
words, and join the template that most of their words agree with. Every step is bounded, so that
mining takes time and memory in proportion to the lines; the same lines in the same order always
give the same templates.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HOLE = "<*>"
MOST_CHARACTERS = 1_000
MOST_WORDS = 60
MOST_TEMPLATES = 1_000
MOST_ALIKE = 40  # templates that one line is compared with
LEAST_LIKENESS = 0.5
RISING = 2.0
LEAST_TO_RISE = 5

_CONTROL = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]|[\x00-\x1f\x7f]")
_VARIABLE = re.compile(  # nothing in it goes back over what it has read
    r"""
    [0-9]{4}-[0-9]{2}-[0-9]{2}[T\ ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]++)?(?:Z|[+-][0-9:]{4,5})?
    | [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}
    | \b(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}\b
    | \b0x[0-9a-fA-F]++\b
    | \b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}+\b
    | (?<![A-Za-z0-9])[0-9]++(?:[.:,_/-][0-9]++)*+
      (?=(?:ns|us|µs|ms|s|m|h|B|kB|KB|KiB|MB|MiB|GB|GiB)\b|(?![A-Za-z]))
    """,
    re.VERBOSE,
)

Words = tuple[str, ...]


@dataclass(slots=True)
class Template:
    """`lines` are the places, in what was mined, of the lines that it stands for."""

    words: list[str]
    lines: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(self.words)


class Miner:
    """Takes lines one after the other. Once there are MOST_TEMPLATES, what is like none of them
    joins one template for all the rest."""

    def __init__(self) -> None:
        self.templates: list[Template] = []
        self._leaves: dict[tuple[int, str], list[Template]] = {}
        self._rest: Template | None = None
        self._mined = 0

    def add(self, line: str) -> Template:
        words = words_of(line)
        template = self._like(words) or self._new(words)
        template.words = [
            a if a == b else HOLE for a, b in zip(template.words, words, strict=False)
        ]
        template.lines.append(self._mined)
        self._mined += 1
        return template

    def _like(self, words: Words) -> Template | None:
        """The one that agrees in most words; of equals the one with the most words of its own."""
        alike = self._leaves.get(_leaf(words), [])
        best = max(alike, key=lambda each: _likeness(each.words, words), default=None)
        if best is None or _likeness(best.words, words)[0] < LEAST_LIKENESS:
            return None
        return best

    def _new(self, words: Words) -> Template:
        leaf = self._leaves.setdefault(_leaf(words), [])
        if len(self.templates) >= MOST_TEMPLATES or len(leaf) >= MOST_ALIKE:
            return self._for_the_rest()
        template = Template(list(words))
        leaf.append(template)
        self.templates.append(template)
        return template

    def _for_the_rest(self) -> Template:
        if self._rest is None:
            self._rest = Template([HOLE])
            self.templates.append(self._rest)
        return self._rest


def mine(lines: Iterable[str]) -> list[Template]:
    """The templates of the lines, in order of their first line."""
    miner = Miner()
    for line in lines:
        miner.add(line)
    return miner.templates


@dataclass(frozen=True, slots=True)
class Pattern:
    """A template in a stretch of time beside the equally long one before it."""

    text: str
    lines: tuple[int, ...]  # places among the lines of now
    before: int

    @property
    def count(self) -> int:
        return len(self.lines)

    @property
    def trend(self) -> str:
        """new, gone, rising, falling, or nothing to speak of."""
        if not self.before:
            return "new"
        if not self.count:
            return "gone"
        if self.count >= max(RISING * self.before, self.before + LEAST_TO_RISE):
            return "rising"
        return "falling" if self.before >= max(RISING * self.count, LEAST_TO_RISE) else ""


def compare(now: Sequence[str], before: Sequence[str]) -> list[Pattern]:
    """The most frequent first, then those that are gone. Both are mined as one, so that a template
    is the same in both."""
    first = len(before)
    patterns = []
    for template in mine([*before, *now]):
        places = tuple(place - first for place in template.lines if place >= first)
        patterns.append(Pattern(template.text, places, len(template.lines) - len(places)))
    return sorted(patterns, key=lambda each: (-each.count, -each.before, each.text))


def words_of(line: str) -> Words:
    """What varies by its shape alone is a hole already: numbers, ids, addresses, durations."""
    plain = _CONTROL.sub(" ", line[:MOST_CHARACTERS])
    words = _VARIABLE.sub(HOLE, plain).split()
    if len(words) > MOST_WORDS:
        words = [*words[: MOST_WORDS - 1], HOLE]
    return tuple(words) or (HOLE,)


def common_words(text: str) -> str:
    """A search for lines of a template: its longest stretch of whole words without a hole."""
    stretches = [stretch.split() for stretch in text.split(HOLE)]
    longest = max(stretches, key=len, default=[])
    return " ".join(longest)


def _leaf(words: Words) -> tuple[int, str]:
    first = words[0]
    return len(words), HOLE if HOLE in first else first


def _likeness(template: Sequence[str], words: Words) -> tuple[float, int]:
    agreeing = Counter(a for a, b in zip(template, words, strict=True) if a == b)
    return agreeing.total() / len(words), agreeing.total() - agreeing[HOLE]
