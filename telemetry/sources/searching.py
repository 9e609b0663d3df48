"""What a search for logs means, for products that have a query language of their own."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from telemetry.sources.base import SourceFailed
from telemetry.store.logs import MOST_WORDS

_CHUNK = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"[^\W_]+")
_FIELD = re.compile(r"[A-Za-z_@][A-Za-z0-9_.\-/@]{0,199}")

SEVERITIES: Mapping[str, int] = {
    "trace": 1,
    "debug": 5,
    "info": 9,
    "information": 9,
    "informational": 9,
    "ok": 9,
    "notice": 10,
    "warn": 13,
    "warning": 13,
    "err": 17,
    "error": 17,
    "crit": 18,
    "critical": 18,
    "alert": 19,
    "fatal": 21,
    "panic": 21,
    "emerg": 21,
    "emergency": 21,
}
"""OpenTelemetry's numbers of the words that loggers and syslog use.

https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/#appendix-b-severitynumber-example-mappings
"""


class Phrase(NamedTuple):
    """Words that follow on each other: letters and digits only. An open one may go on."""

    words: list[str]
    is_open: bool


def phrases_of(text: str) -> list[Phrase]:
    """As the built-in store reads a search. Raises SourceFailed."""
    chunks = [match[1] or match[2] or "" for match in _CHUNK.finditer(text)]
    found = [Phrase(_WORD.findall(chunk), chunk.endswith("*")) for chunk in chunks]
    if sum(len(phrase.words) for phrase in found) > MOST_WORDS:
        raise SourceFailed(f"A search may have {MOST_WORDS} words.", is_about_question=True)
    return [phrase for phrase in found if phrase.words]


def severity_of(word: str) -> int:
    """0 for a word that is not known."""
    return SEVERITIES.get(word.strip().lower(), 0)


def words_from(least: int) -> list[str]:
    """Every word for what is at least so severe."""
    return [word for word, severity in SEVERITIES.items() if severity >= least]


def field_of(name: str) -> str:
    """The name itself. Raises SourceFailed for one that could be more than a name in a query."""
    if not _FIELD.fullmatch(name):
        raise SourceFailed(
            "An attribute has a name that cannot be asked for.", is_about_question=True
        )
    return name
