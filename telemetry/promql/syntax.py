"""From text to promql-parser's tree, or a clear refusal.

The parser is a native one that recurses: what chains or nests thousands of operations would end
the process, and its time grows with the square of the depth. So both are counted first.
"""

import json
import re
from collections.abc import Collection
from datetime import timedelta
from itertools import accumulate

import promql_parser as promql

from telemetry.promql.errors import InvalidQuery

LONGEST = timedelta(microseconds=2**63 // 1000)  # as in Prometheus
MOST_CHARACTERS = 50_000
MOST_OPERATIONS = 200
MOST_DEPTH = 50

_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\#[^\n]*""", re.DOTALL)
_MATCHERS = re.compile(r"\{[^}]*\}")
_OPERATION = re.compile(r"[(\[+\-*/%^<>]|[=!]=|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_BRACKET = re.compile(r"[()\[\]]")
_AT_BEFORE_1970 = re.compile(r"@\s*-")


def parse(text: str, *, known: Collection[str]) -> promql.Expr:
    """`known` are the functions and aggregations there are. Raises InvalidQuery with a reason."""
    _demand_moderation(text)
    try:
        tree = promql.parse(_QUOTED.sub(_double_quoted, text))
        promql.walk(tree, _demand_short_durations)
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(f"parse error: {error}") from error
    if unknown := _unknown(tree, known):
        raise InvalidQuery(f"{_position(text, unknown)}parse error: {unknown} is not supported")
    return tree


def _demand_short_durations(node: promql.Expr) -> bool:
    """Those that Python cannot hold, the parser refuses only when they are read: now."""
    if isinstance(node, promql.MatrixSelector):
        _demand_short_durations(node.vector_selector)
    for name in ("offset", "range", "step"):
        if abs(getattr(node, name, None) or timedelta()) > LONGEST:
            raise ValueError("duration out of range")
    return True


def _unknown(tree: promql.Expr, known: Collection[str]) -> str:
    """The first name in the tree that nobody knows here; empty when all are known."""
    found: list[str] = []

    def look(node: promql.Expr) -> bool:
        found.extend(name for name in _names(node) if name not in known)
        return not found

    promql.walk(tree, look)
    return found[0] if found else ""


def _names(node: promql.Expr) -> list[str]:
    """What must be known for this node alone. Prometheus itself has no `or` in selectors and no
    `fill`; the parser has."""
    if isinstance(node, promql.Call):
        return [node.func.name]
    if isinstance(node, promql.AggregateExpr):
        return [str(node.op)]
    if isinstance(node, promql.VectorSelector) and node.matchers.or_matchers:
        return ["or"]
    if isinstance(node, promql.BinaryExpr) and node.modifier:
        fill = node.modifier.fill_values
        return ["fill"] if (fill.lhs, fill.rhs) != (None, None) else []
    return []


def _position(text: str, word: str) -> str:
    """`line:column: ` of a word outside quotes; empty when it is not found."""
    bare = _QUOTED.sub(lambda found: " " * len(found[0]), text)
    found = re.search(rf"\b{re.escape(word)}\b", bare, re.IGNORECASE)
    if found is None:
        return ""
    before = bare[: found.start()]
    return f"{before.count(chr(10)) + 1}:{found.start() - before.rfind(chr(10))}: "


def _demand_moderation(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise InvalidQuery(f"parse error: a query has at most {MOST_CHARACTERS} characters")
    bare = _MATCHERS.sub("{}", _QUOTED.sub('""', text))
    if len(_OPERATION.findall(bare)) > MOST_OPERATIONS:
        raise InvalidQuery(f"parse error: a query has at most {MOST_OPERATIONS} operations")
    if _depth(bare) > MOST_DEPTH:
        raise InvalidQuery(f"parse error: a query has at most {MOST_DEPTH} levels of brackets")
    if _AT_BEFORE_1970.search(bare):
        raise InvalidQuery("parse error: @ with a time before 1970 is not supported")


def _depth(bare: str) -> int:
    steps = ((bracket in "([") - (bracket in ")]") for bracket in _BRACKET.findall(bare))
    return max(accumulate(steps), default=0)


def _double_quoted(found: re.Match[str]) -> str:
    """In backticks nothing is escaped, which the parser overlooks."""
    quoted = found[0]
    return json.dumps(quoted[1:-1], ensure_ascii=False) if quoted[0] == "`" else quoted
