"""What a step may do. A runbook names an action and its arguments; the code says what it means."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

JsonObject = dict[str, Any]


class ActionRefused(Exception):
    """The arguments are well formed but no request can be made of them; says why."""


class Action(BaseModel):
    """One deed on one target. The fields are the arguments a runbook's step may give in `args`.

    `version` rises whenever the same arguments would make another request, so that an approval
    given before does not cover it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    slug: ClassVar[str]
    version: ClassVar[int] = 1
    executors: ClassVar[frozenset[str]]

    target: str

    @property
    def changes_target(self) -> bool:
        """False when the deed only looks."""
        return True

    @property
    def is_idempotent(self) -> bool:
        """Whether doing it twice leaves what doing it once leaves, unless the step says so."""
        return False

    def describe(self) -> str:
        """The deed in words, as a person reads it before approving."""
        raise NotImplementedError

    def request(self, endpoint: str | None) -> JsonObject:
        """Exactly what the executor is given, as JSON. `endpoint` is the connection's address.

        Raises `ActionRefused` when an address is needed and there is none.
        """
        raise NotImplementedError
