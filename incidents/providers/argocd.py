"""Argo CD, by the notification template that `docs/connecting.md` gives."""

from typing import Any, ClassVar

from pydantic import BaseModel, Field

from incidents.providers.base import (
    ChangeEvent,
    ParseResult,
    Provider,
    one_line,
    read_body,
    web_url,
)
from incidents.sender_time import read_sender_time
from telemetry.change_event import ChangeStatus

_PHASES: dict[str, ChangeStatus] = {
    "Running": "running",
    "Terminating": "running",
    "Succeeded": "succeeded",
    "Failed": "failed",
    "Error": "failed",
}
_SHORT = 7


class _Sync(BaseModel):
    """Every field of the template; a sync is identified by its application and its start."""

    app: str = Field(min_length=1)
    service: str | None = None
    phase: str = "Succeeded"
    revision: str | None = None
    version: str | None = None
    namespace: str | None = None
    author: str | None = None
    message: str | None = None
    url: str | None = None
    started_at: Any = None
    finished_at: Any = None

    def as_event(self) -> ChangeEvent:
        revision = one_line(self.revision)
        version = one_line(self.version) or revision[:_SHORT]
        began_at = read_sender_time(self.started_at)
        status = _PHASES.get(self.phase, "running")
        return ChangeEvent(
            title=f"Sync of {one_line(self.app)} to {version or 'its source'}",
            kind="deploy",
            status=status,
            service=one_line(self.service, self.app),
            key=f"{self.app}/{began_at.isoformat() if began_at else revision}",
            version=version,
            commit=revision,
            author=one_line(self.author),
            environment=one_line(self.namespace),
            url=web_url(self.url),
            began_at=began_at,
            ended_at=read_sender_time(self.finished_at) if status != "running" else None,
        )


class ArgoCD(Provider):
    """A sync told as running, and as succeeded or failed, is one change."""

    slug: ClassVar[str] = "argocd"
    docs_url: ClassVar[str] = (
        "https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/"
    )

    def parse(self, payload: Any) -> ParseResult:
        sync = read_body(_Sync, payload, product="Argo CD's template")
        return ParseResult((), changes=(sync.as_event(),))
