from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from automation.actions.base import Action, ActionRefused, JsonObject

_LOOKS = {"GET", "HEAD", "OPTIONS"}
_IDEMPOTENT = _LOOKS | {"PUT", "DELETE"}
_HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=64)]
_HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=1000)]


class HttpRequest(Action):
    """Send one HTTP request. The target is a URL, or a path below the connection's address."""

    slug: ClassVar[str] = "http_request"
    executors: ClassVar[frozenset[str]] = frozenset({"http"})

    target: Annotated[
        str, StringConstraints(pattern=r"^(https?://|/)[\x21-\x7e]*$", max_length=2000)
    ]
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[_HeaderName, _HeaderValue] = Field(default_factory=dict)
    body: Any = Field(default=None, description="Sent as JSON; text is sent as it is.")
    expected_status: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        default=[200, 201, 202, 204], min_length=1, max_length=20
    )

    @property
    def changes_target(self) -> bool:
        return self.method not in _LOOKS

    @property
    def is_idempotent(self) -> bool:
        return self.method in _IDEMPOTENT

    def describe(self) -> str:
        return f"{self.method} {self.target}"

    def request(self, endpoint: str | None) -> JsonObject:
        return {
            "method": self.method,
            "url": self._url(endpoint),
            "headers": dict(self.headers),
            "body": self.body,
            "expected_status": list(self.expected_status),
        }

    def _url(self, endpoint: str | None) -> str:
        if not self.target.startswith("/"):
            return self.target
        if not endpoint:
            raise ActionRefused(f"{self.target} is a path, and there is no connection it is below.")
        return endpoint.rstrip("/") + self.target
