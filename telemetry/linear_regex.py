"""Regular expressions from outside, on the linear-time engine that pydantic brings.

None of them can backtrack; each matches the whole text, and a dot also matches a line's end.
"""

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema


class InvalidPattern(ValueError):
    """A pattern that cannot be used; the message says why."""


def matches_whole(pattern: str, text: str) -> bool:
    """Raises InvalidPattern."""
    return _compiled(pattern).isinstance_python(text)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))  # else `a)|(b` leaves the anchors
        return SchemaValidator(core_schema.str_schema(pattern=rf"\A(?s:{pattern})\z"))
    except SchemaError as error:
        reason = str(error).rpartition("error: ")[2].strip()
        raise InvalidPattern(reason) from error
