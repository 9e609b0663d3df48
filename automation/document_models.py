"""The shape of a runbook document, version 1 of the contract."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from automation.limits import Window
from automation.parameter_values import check_pattern, check_value

Classification = Literal[
    "service_down",
    "resource_exhaustion",
    "latency",
    "errors",
    "saturation",
    "dependency",
    "configuration",
    "known_issue",
    "false_positive",
    "unknown",
]
Risk = Literal["low", "medium", "high", "critical"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=60)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Origin = Annotated[
    str,
    StringConstraints(
        pattern=r"^(incident\.(service|number|severity|title)|alert\.(name|fingerprint)"
        r"|alert\.labels\.[a-zA-Z_][a-zA-Z0-9_]*|service\.[a-z][a-z0-9_]*)$",
        max_length=100,
    ),
]
_WHOLE = 2**53


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class AppliesTo(_Part):
    """What the runbook is meant for. It ranks proposals; it limits nobody's choice."""

    classification: list[Classification] = Field(default_factory=list, max_length=10)
    labels: dict[str, str] = Field(default_factory=dict, max_length=20)


class Parameter(_Part):
    """A value the plan is made with. `from` names where it comes from when nobody gives it."""

    type: Literal["string", "integer", "boolean"] = "string"
    description: str = Field(default="", max_length=300)
    origin: Origin | None = Field(default=None, alias="from")
    default: str | int | bool | None = None
    enum: list[str | int] | None = Field(default=None, min_length=1, max_length=100)
    pattern: str | None = Field(default=None, max_length=200)
    max_length: int = Field(default=255, ge=1, le=4000)
    minimum: int = Field(default=-_WHOLE, ge=-_WHOLE, le=_WHOLE)
    maximum: int = Field(default=_WHOLE, ge=-_WHOLE, le=_WHOLE)

    @field_validator("pattern")
    @classmethod
    def _pattern_is_safe(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check_pattern(pattern)
        return pattern

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> Self:
        if self.type != "string" and (self.pattern or "max_length" in self.model_fields_set):
            raise ValueError("pattern and max_length are for strings only")
        if self.type != "integer" and self.model_fields_set & {"minimum", "maximum"}:
            raise ValueError("minimum and maximum are for integers only")
        if self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        if self.default is not None:
            self.checked(self.default)
        return self

    def checked(self, value: Any) -> str | int | bool:
        """The value as its type, or ValueError in words."""
        return check_value(value, self)


class Guardrails(_Part):
    max_per_hour: int = Field(default=3, ge=1, le=1000)
    cooldown_seconds: int = Field(default=300, ge=0, le=86_400)
    max_targets: int = Field(default=1, ge=1, le=100)
    window: str = Field(default="always", max_length=200)

    @field_validator("window")
    @classmethod
    def _window_can_be_read(cls, text: str) -> str:
        Window.parse(text)
        return text


class Step(_Part):
    """One action on one target. `idempotent` left out means what the action itself is."""

    name: str = Field(default="", max_length=100)
    action: Slug
    executor: Slug
    target: str = Field(min_length=1, max_length=2000)
    connection: Slug | None = None
    args: dict[str, Any] = Field(default_factory=dict, max_length=30)
    timeout_seconds: int = Field(default=60, ge=1, le=3600)
    retries: int = Field(default=0, ge=0, le=10)
    idempotent: bool | None = None


class Verify(_Part):
    """How it is known to have worked: the signal that must come back, and by when."""

    signal: Literal["alert_resolved"] = "alert_resolved"
    within_seconds: int = Field(default=180, ge=5, le=3600)


class RunbookDocument(_Part):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
    description: str = Field(default="", max_length=2000)
    applies_to: AppliesTo = Field(default_factory=AppliesTo)
    risk: Risk
    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict, max_length=30)
    guardrails: Guardrails = Field(default_factory=Guardrails)
    steps: list[Step] = Field(min_length=1, max_length=50)
    verify: Verify | None = None
    rollback: list[Step] = Field(default_factory=list, max_length=50)
