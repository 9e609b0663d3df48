from typing import Annotated, ClassVar

from pydantic import StringConstraints

from automation.actions.base import Action, JsonObject


class Restart(Action):
    """Stop a program and start it again. The target is supervisor's name for it, or group:name."""

    slug: ClassVar[str] = "restart"
    executors: ClassVar[frozenset[str]] = frozenset({"supervisor"})

    target: Annotated[str, StringConstraints(pattern=r"^[\w.-]+(:[\w.-]+)?$", max_length=128)]

    @property
    def is_idempotent(self) -> bool:
        return True

    def describe(self) -> str:
        return f"Restart {self.target}"

    def request(self, endpoint: str | None) -> JsonObject:
        return {"method": "restart", "program": self.target}
