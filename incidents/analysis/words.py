"""Text of alerts as plain lower-case words, and the kinds of trouble such words speak of."""

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[\W_]+")
LONGEST = 2000

_OF_ANOTHER = r"(?<!dependency )(?<!dependencies )(?<!upstream )(?<!downstream )(?<!peer )"
_PATTERNS = {
    "service_down": _OF_ANOTHER
    + r"\b(down|(probe|health ?check) (failed|failing|failure)|dead|unreachable"
    r"|unavailable|absent|crash(ed|es|ing|loop)?|hang(s|ing)?|hung"
    r"|not (responding|answering|running|ready)|does not (answer|respond)|no (answer|response)"
    r"|stopped|exited|offline|target missing|liveness|heartbeat)\b",
    "resource_exhaustion": r"\b(memory|oom|out of memory|leak(s|ing)?|disk|filesystem|inodes?|heap"
    r"|file descriptors?|cpu|space left|swap|exhaust(ed|ion)?|rss)\b",
    "latency": r"\b(latency|slow(er|ness)?|response times?|duration|p9\d|p50|takes too long|lag"
    r"|delay(ed|s)?)\b",
    "errors": r"\b(errors?|error rate|5xx|50[0234]|fail(s|ed|ing|ure|ures)?|exceptions?|panics?"
    r"|error budget|burn rate)\b",
    "saturation": r"\b(saturat(ed|ion)|queue|backlog|overload(ed)?|throttl(ed|ing)|pool"
    r"|connections?( limit)?|active requests|in flight|concurrency|full)\b",
    "dependency": r"\b(dependency|dependencies|upstream|downstream|third party|peer)\b",
    "configuration": r"\b(config(uration)?|misconfigur(ed|ation)|certificates?|cert|expir(es|ed|y)"
    r"|tls|dns|credentials?|permission denied|unauthori[sz]ed|rollout|deploy(ment)?|migration)\b",
}
_SPEAKS_OF = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}


def plain(text: str) -> str:
    """For example "HTTPRequestLatency_high" is "http request latency high"."""
    return _BETWEEN.sub(" ", _CAMEL.sub(" ", text[:LONGEST])).strip().lower()


def kinds_in(text: str) -> dict[str, str]:
    """The classifications a text speaks of, each with the words that say so."""
    words = plain(text)
    found = {kind: pattern.search(words) for kind, pattern in _SPEAKS_OF.items()}
    return {kind: match[0] for kind, match in found.items() if match}


def speaks_of_down(name: str, summary: str) -> bool:
    """Whether an alert says that its own service is down: by its name, or by its summary if the
    name says nothing; a summary may tell about another service."""
    kinds = kinds_in(name) or kinds_in(summary)
    return "service_down" in kinds
