"""The words, brackets and field terms of a search, each with where it stood."""

import re
from dataclasses import dataclass
from typing import Literal

Operator = Literal["=", "!=", "~", ">", ">=", "<", "<=", "range"]
TokenKind = Literal["open", "close", "not", "and", "or", "text", "field"]

MAX_QUERY_LENGTH = 512

_FIELD = re.compile(r"([A-Za-z_][\w./-]*):")
_OPERATOR = re.compile(r">=|<=|[><!~]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORD = re.compile(r'[^\s()"]+')
_LISTED = re.compile(r'[^\s()"\[\],]+')
_SPACE = re.compile(r"\s*")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_KEYWORDS: dict[str, TokenKind] = {"AND": "and", "OR": "or", "NOT": "not"}
_BRACKETS: dict[str, TokenKind] = {"(": "open", ")": "close"}
_OPERATOR_OF: dict[str, Operator] = {
    "": "=", "!": "!=", "~": "~", ">": ">", ">=": ">=", "<": "<", "<=": "<="
}  # fmt: skip


class QuerySyntaxError(ValueError):
    """A search that cannot be read.

    ``position`` is an offset in the text; ``suggestion`` is what was probably meant, or empty.
    """

    def __init__(self, message: str, position: int, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Value:
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is the field's name for a field term; a range has two values."""

    kind: TokenKind
    text: str
    position: int
    operator: Operator = "="
    values: tuple[Value, ...] = ()


def read_tokens(text: str) -> list[Token]:
    """Raises QuerySyntaxError."""
    if len(text) > MAX_QUERY_LENGTH:
        message = f"A search is at most {MAX_QUERY_LENGTH} characters long."
        raise QuerySyntaxError(message, MAX_QUERY_LENGTH)
    unstorable = _UNSTORABLE.search(text)
    if unstorable:
        raise QuerySyntaxError("This character cannot be searched for.", unstorable.start())
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> list[Token]:
        tokens = []
        self._take(_SPACE)
        while self._at < len(self._text):
            tokens.append(self._token())
            self._take(_SPACE)
        return tokens

    def _token(self) -> Token:
        position, character = self._at, self._text[self._at]
        if character in _BRACKETS:
            self._at += 1
            return Token(_BRACKETS[character], character, position)
        if character == "-" and self._text[self._at + 1 : self._at + 2].strip():
            self._at += 1
            return Token("not", character, position)
        field = self._take(_FIELD)
        if field:
            return self._field(field[1], position)
        if character == '"':
            return Token("text", self._quoted(), position)
        word = self._word(_WORD)
        return Token(_KEYWORDS.get(word, "text"), word, position)

    def _field(self, name: str, position: int) -> Token:
        operator = self._take(_OPERATOR)
        sign = operator[0] if operator else ""
        if self._next_is("["):
            if sign not in {"", "!"}:
                raise QuerySyntaxError(f"{sign} takes one value, not a list.", self._at)
            values = self._list()
        elif self._next_is('"'):
            values = (Value(text=self._quoted(), position=position + len(name) + 1 + len(sign)),)
        else:
            return self._plain(name, position, sign)
        return Token("field", name, position, _OPERATOR_OF[sign], values)

    def _plain(self, name: str, position: int, sign: str) -> Token:
        start = self._at
        word = self._word(_WORD)
        if not word:
            raise QuerySyntaxError(f"“{name}:” needs a value.", start)
        low, dots, high = word.partition("..")
        if not dots or sign:
            return Token("field", name, position, _OPERATOR_OF[sign], (Value(word, start),))
        if not low or not high:
            raise QuerySyntaxError("A range needs both ends, as in a..b.", start)
        ends = (Value(low, start), Value(high, start + len(low) + len(dots)))
        return Token("field", name, position, "range", ends)

    def _list(self) -> tuple[Value, ...]:
        opening = self._at
        self._at += 1
        values = [self._listed()]
        while self._next_is(","):
            self._at += 1
            values.append(self._listed())
        if not self._next_is("]"):
            raise QuerySyntaxError("This [ is never closed.", opening)
        self._at += 1
        return tuple(values)

    def _listed(self) -> Value:
        self._take(_SPACE)
        position = self._at
        text = self._quoted() if self._next_is('"') else self._word(_LISTED)
        if not text:
            raise QuerySyntaxError("A value is missing in this list.", position)
        self._take(_SPACE)
        return Value(text, position)

    def _quoted(self) -> str:
        quoted = self._take(_QUOTED)
        if quoted is None:
            raise QuerySyntaxError("This quote is never closed.", self._at)
        return _ESCAPE.sub(r"\1", quoted[1])

    def _word(self, pattern: re.Pattern[str]) -> str:
        found = self._take(pattern)
        return found[0] if found else ""

    def _next_is(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found
