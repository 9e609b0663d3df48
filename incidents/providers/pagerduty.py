"""PagerDuty's Events API v2, for everything that can already page somebody that way, and its change
events."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from incidents.providers.base import (
    AlertEvent,
    ChangeEvent,
    ParseResult,
    Provider,
    one_line,
    read_body,
    texts,
    web_url,
)
from incidents.providers.change_words import change_kind, change_status
from incidents.sender_time import read_sender_time
from incidents.severity import classify_severity

_NAMES = {
    "service": ("service", "service_name", "app"),
    "version": ("version", "release", "tag"),
    "commit": ("commit", "sha", "revision"),
    "author": ("author", "user", "deployed_by", "actor"),
    "environment": ("environment", "env"),
}


class _Link(BaseModel):
    href: str | None = None


class _Details(BaseModel):
    summary: str = Field(min_length=1)
    source: str = Field(min_length=1)
    severity: Literal["critical", "error", "warning", "info"]
    timestamp: str | None = None
    component: str | None = None
    group: str | None = None
    class_: str | None = Field(default=None, alias="class")
    custom_details: Any = None

    def labels(self) -> dict[str, str]:
        """The component is the service, unless the custom details name one."""
        named = self._custom().get("service")
        service = named if isinstance(named, str) else self.component
        found = {
            "alertname": one_line(self.summary),
            "source": self.source,
            "component": self.component,
            "group": self.group,
            "class": self.class_,
            "service": service,
        }
        return {name: value for name, value in found.items() if value}

    def annotations(self) -> dict[str, str]:
        return texts({**self._custom(), "timestamp": self.timestamp})

    def _custom(self) -> Mapping[str, Any]:
        details = self.custom_details
        return details if isinstance(details, dict) else {"details": details}


class _Event(BaseModel):
    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: str | None = Field(default=None, max_length=255)
    payload: _Details | None = None
    client_url: str | None = None
    links: list[_Link] | None = None

    @model_validator(mode="after")
    def says_which_alert(self) -> "_Event":
        if self.event_action == "trigger" and self.payload is None:
            raise ValueError("a trigger needs a payload")
        if self.event_action != "trigger" and not self.dedup_key:
            raise ValueError(f"{self.event_action} needs a dedup_key")
        return self

    def as_event(self) -> AlertEvent:
        details, key = self.payload, self.dedup_key or ""
        summary = one_line(details.summary if details else "")
        return AlertEvent(
            name=summary or one_line(key),
            status="resolved" if self.event_action == "resolve" else "firing",
            severity=classify_severity(details.severity if details else ""),
            labels=details.labels() if details else {},
            annotations=details.annotations() if details else {},
            key=key,
            url=web_url(self.client_url, *(link.href for link in self.links or [])),
            summary=summary,
            acknowledged=self.event_action == "acknowledge",
        )


class _ChangeDetails(BaseModel):
    summary: str = Field(min_length=1)
    timestamp: Any = None
    source: str | None = None
    custom_details: Any = None


class _Change(BaseModel):
    payload: _ChangeDetails
    links: list[_Link] | None = None

    def as_event(self) -> ChangeEvent:
        said, summary = self._said(), one_line(self.payload.summary)
        named = {part: one_line(*map(said.get, names)) for part, names in _NAMES.items()}
        return ChangeEvent(
            title=summary or "Unnamed change",
            kind=change_kind(one_line(said.get("kind"), said.get("type"), summary)),
            status=change_status(one_line(said.get("status"), said.get("build_state"))),
            key=one_line(said.get("id"), said.get("change_id")),
            url=web_url(*(link.href for link in self.links or [])),
            began_at=read_sender_time(self.payload.timestamp),
            service=named["service"],
            version=named["version"],
            commit=named["commit"],
            author=named["author"],
            environment=named["environment"],
        )

    def _said(self) -> Mapping[str, Any]:
        details = self.payload.custom_details
        return texts(details) if isinstance(details, dict) else {}


class PagerDuty(Provider):
    """Events count in the order they come, as in PagerDuty: a trigger after a resolve is new.

    So the payload's timestamp is kept as an annotation and is not the alert's start. What has no
    `event_action` is a change event.
    """

    slug: ClassVar[str] = "pagerduty"
    docs_url: ClassVar[str] = "https://developer.pagerduty.com/docs/send-alert-event"

    def parse(self, payload: Any) -> ParseResult:
        if isinstance(payload, Mapping) and "event_action" not in payload:
            change = read_body(_Change, payload, product="PagerDuty's Events API v2")
            return ParseResult((), changes=(change.as_event(),))
        event = read_body(_Event, payload, product="PagerDuty's Events API v2")
        return ParseResult((event.as_event(),))
