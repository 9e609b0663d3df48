import re
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_BYTES = 1_000_000
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class SafeJSONParser(BaseParser):
    """JSON that cannot hurt: depth and size are bounded, NaN, surrogates and NUL are refused."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ParseError(f"The body is larger than {MAX_BYTES} bytes.")
        if _ESCAPED_NUL.search(body):
            raise ParseError("The body contains a NUL character.")
        try:
            return orjson.loads(body) if body else {}
        except orjson.JSONDecodeError as error:
            raise ParseError(f"Not readable as JSON: {error}") from error
