"""Why a question has no answer, under the names that Prometheus' query API gives."""

from typing import ClassVar


class QueryError(Exception):
    """The message is meant for who asked."""

    kind: ClassVar[str] = "execution"


class InvalidQuery(QueryError, ValueError):
    """The text is not PromQL, or PromQL beyond what is understood here; or its times are wrong.

    `parameter` is the one of the query API that is to be mended.
    """

    kind = "bad_data"

    def __init__(self, reason: str, parameter: str = "query") -> None:
        prefix = f'invalid parameter "{parameter}": ' if parameter else ""
        super().__init__(prefix + reason)


class CannotEvaluate(QueryError):
    """The text is right, but these series cannot be combined as it asks."""


class TooMuchAsked(QueryError):
    """The answer would need more memory than a query may take."""


class TookTooLong(QueryError):
    """The time a query may take is over."""

    kind = "timeout"
