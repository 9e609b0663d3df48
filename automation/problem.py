"""What is wrong with a document, in words, at a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """`line` counts from 1; `path` is like `steps[2].target`; a warning does not block."""

    line: int
    path: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.path else f"line {self.line}"
        return f"{where}: {self.message}"


def written(path: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


_WORDS = {
    "missing": "This is required.",
    "extra_forbidden": "This key is not known here.",
    "bool_type": "Write true or false.",
    "int_type": "Write a whole number.",
    "string_type": "Write text; put it in quotes if it looks like something else.",
    "list_type": "Write a list.",
    "dict_type": "Write keys and values.",
    "model_type": "Write keys and values.",
    "model_attributes_type": "Write keys and values.",
}


def words_for(error: Mapping[str, Any]) -> str:
    """A pydantic error detail as a sentence for the author; never repeats the value."""
    words = _WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return words[:1].upper() + words[1:].removesuffix(".") + "."
