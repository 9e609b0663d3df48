"""The five severities of the house, found in whatever word a sender uses."""

import re

from incidents.event import Severity

_WORDS: dict[Severity, str] = {
    "critical": "critical crit fatal page paging p1 sev1 disaster emergency emerg panic blocker",
    "high": "high major error err p2 sev2 urgent alert severe",
    "medium": "medium warning warn average minor moderate p3 sev3 normal",
    "low": "low p4 sev4 trivial notice",
    "info": "info information informational informative p5 p6 sev5 debug none ok verbose",
}
_SEVERITY_OF = {word: severity for severity, words in _WORDS.items() for word in words.split()}
_NOT_A_LETTER_OR_DIGIT = re.compile(r"[^a-z0-9]+")
_LONGEST_PHRASE = 64


def is_severity_word(value: object) -> bool:
    return _find(value) is not None


def classify_severity(value: object) -> Severity:
    """The house's severity for a sender's word; a word nobody knows is medium.

    A phrase counts by its first known word, so "P1 - Critical" and "sev-1" are read too.
    """
    return _find(value) or "medium"


def _find(value: object) -> Severity | None:
    if not isinstance(value, str) or len(value) > _LONGEST_PHRASE:
        return None
    words = _NOT_A_LETTER_OR_DIGIT.split(value.lower())
    joined = "".join(words)
    return next((_SEVERITY_OF[word] for word in (joined, *words) if word in _SEVERITY_OF), None)
