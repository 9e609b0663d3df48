"""A change in the console's own words, as anything that can POST JSON may send it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from incidents.providers.base import ChangeEvent, one_line, read_body, web_url
from incidents.providers.change_words import change_kind, change_status
from incidents.sender_time import read_sender_time
from telemetry.change_event import KINDS, ChangeKind


class _Row(BaseModel):
    """A title, or a version to make one of; the rest may be left out."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    title: str = Field(default="", max_length=2000)
    summary: str = Field(default="", max_length=2000)
    kind: str = ""
    status: str = ""
    service: str = ""
    key: str = Field(default="", max_length=255)
    version: str = ""
    commit: str = ""
    author: str = ""
    environment: str = ""
    url: str = ""
    began_at: Any = None
    ended_at: Any = None

    def as_event(self) -> ChangeEvent:
        title = one_line(self.title, self.summary, self.version and f"Version {self.version}")
        return ChangeEvent(
            title=title or "Unnamed change",
            kind=_kind(self.kind, title),
            status=change_status(self.status),
            service=one_line(self.service),
            key=self.key,
            version=one_line(self.version),
            commit=one_line(self.commit),
            author=one_line(self.author),
            environment=one_line(self.environment),
            url=web_url(self.url),
            began_at=read_sender_time(self.began_at),
            ended_at=read_sender_time(self.ended_at),
        )


def tells_of_change(row: Any) -> bool:
    return isinstance(row, Mapping) and row.get("type") == "change"


def change_of(row: Mapping[str, Any]) -> ChangeEvent:
    """Raises UnreadablePayload, saying which field is wrong."""
    return read_body(_Row, row, product="a change").as_event()


def _kind(said: str, title: str) -> ChangeKind:
    return next((kind for kind in KINDS if kind == said.lower()), change_kind(said or title))
