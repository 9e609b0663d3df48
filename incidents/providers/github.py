"""GitHub: deployments, releases, pushes to the default branch, and workflows that deploy."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from incidents.providers.base import (
    ChangeEvent,
    ParseResult,
    Provider,
    UnreadablePayload,
    one_line,
    read_body,
    web_url,
)
from incidents.providers.change_words import change_kind
from incidents.sender_time import read_sender_time
from telemetry.change_event import ChangeStatus

_DEPLOYMENT: dict[str, ChangeStatus] = {
    "pending": "running",
    "queued": "running",
    "waiting": "running",
    "in_progress": "running",
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
}
_RUN: dict[str | None, ChangeStatus] = {None: "running", "success": "succeeded"}
_NEVER_RAN = ("skipped", "neutral")
_SHORT = 7


class _Repository(BaseModel):
    name: str = Field(min_length=1)
    full_name: str = Field(min_length=1)
    html_url: str | None = None
    default_branch: str = "main"


class _Person(BaseModel):
    login: str | None = None
    name: str | None = None


class _Deployment(BaseModel):
    id: int
    sha: str = ""
    ref: str = ""
    task: str = "deploy"
    environment: str | None = None
    description: str | None = None
    created_at: Any = None
    creator: _Person | None = None
    payload: Any = None


class _DeploymentStatus(BaseModel):
    state: str
    created_at: Any = None
    log_url: str | None = None
    target_url: str | None = None


class _Release(BaseModel):
    id: int
    tag_name: str
    name: str | None = None
    html_url: str | None = None
    published_at: Any = None
    author: _Person | None = None


class _Run(BaseModel):
    id: int
    name: str | None = None
    display_title: str | None = None
    head_branch: str | None = None
    head_sha: str = ""
    conclusion: str | None = None
    html_url: str | None = None
    run_started_at: Any = None
    updated_at: Any = None
    actor: _Person | None = None


class _Commit(BaseModel):
    message: str = ""
    timestamp: Any = None


class _Delivery(BaseModel):
    """The parts of any delivery; which are there tells what it is about."""

    repository: _Repository | None = None
    action: str | None = None
    deployment: _Deployment | None = None
    deployment_status: _DeploymentStatus | None = None
    release: _Release | None = None
    workflow_run: _Run | None = None
    ref: str | None = None
    after: str | None = None
    deleted: bool = False
    compare: str | None = None
    pusher: _Person | None = None
    head_commit: _Commit | None = None

    def change(self) -> ChangeEvent | None:
        """None for what is no change, such as a push to another branch."""
        if self.repository is None:
            return None
        if self.deployment is not None:
            return self._deployment(self.repository, self.deployment)
        if self.release is not None:
            return self._release(self.repository, self.release)
        if self.workflow_run is not None:
            return self._run(self.repository, self.workflow_run)
        return self._push(self.repository) if self.head_commit is not None else None

    def _deployment(self, of: _Repository, made: _Deployment) -> ChangeEvent | None:
        said = self.deployment_status
        status = _DEPLOYMENT.get(said.state) if said else "running"
        if status is None:
            return None
        version = one_line(made.ref)
        return ChangeEvent(
            title=one_line(made.description) or f"Deploy {version} to {made.environment}",
            kind="deploy" if made.task.startswith("deploy") else change_kind(made.task),
            status=status,
            service=_service(of, made.payload),
            key=f"{of.full_name}/deployment/{made.id}",
            version=version,
            commit=made.sha,
            author=_login(made.creator),
            environment=made.environment or "",
            url=web_url(said and (said.log_url or said.target_url), of.html_url),
            began_at=read_sender_time(made.created_at),
            ended_at=read_sender_time(said.created_at) if said and status != "running" else None,
        )

    def _release(self, of: _Repository, made: _Release) -> ChangeEvent | None:
        if self.action != "published":
            return None
        return ChangeEvent(
            title=f"Released {one_line(made.name, made.tag_name)}",
            service=of.name,
            key=f"{of.full_name}/release/{made.id}",
            version=made.tag_name,
            author=_login(made.author),
            url=web_url(made.html_url),
            began_at=read_sender_time(made.published_at),
        )

    def _run(self, of: _Repository, made: _Run) -> ChangeEvent | None:
        """A workflow whose name says that it deploys; all others only test."""
        name = one_line(made.name, made.display_title)
        is_of_interest = change_kind(name) != "other" and made.conclusion not in _NEVER_RAN
        if not is_of_interest or made.head_branch != of.default_branch:
            return None
        status = _RUN.get(made.conclusion, "failed")
        return ChangeEvent(
            title=one_line(f"{name}: {made.display_title}" if made.display_title else name),
            kind=change_kind(name),
            status=status,
            service=of.name,
            key=f"{of.full_name}/run/{made.id}",
            version=made.head_sha[:_SHORT],
            commit=made.head_sha,
            author=_login(made.actor),
            url=web_url(made.html_url),
            began_at=read_sender_time(made.run_started_at),
            ended_at=read_sender_time(made.updated_at) if status != "running" else None,
        )

    def _push(self, of: _Repository) -> ChangeEvent | None:
        if self.ref != f"refs/heads/{of.default_branch}" or self.deleted or not self.head_commit:
            return None
        sha = self.after or ""
        return ChangeEvent(
            title=one_line(self.head_commit.message.partition("\n")[0]) or f"Push of {sha[:7]}",
            service=of.name,
            key=f"{of.full_name}/push/{sha}",
            version=sha[:_SHORT],
            commit=sha,
            author=_login(self.pusher),
            url=web_url(self.compare),
        )


class GitHub(Provider):
    """The repository's name is the service, unless a deployment's payload names one. Deliveries
    that are no change, such as `ping` or `issues`, are read and say nothing."""

    slug: ClassVar[str] = "github"
    docs_url: ClassVar[str] = "https://docs.github.com/en/webhooks/webhook-events-and-payloads"

    def parse(self, payload: Any) -> ParseResult:
        delivery = read_body(_Delivery, payload, product="GitHub")
        if delivery.repository is None and "hook_id" not in payload:
            raise UnreadablePayload("This is not a message of GitHub: it names no repository.")
        change = delivery.change()
        return ParseResult((), changes=(change,) if change else ())


def _service(of: _Repository, payload: Any) -> str:
    named = payload.get("service") if isinstance(payload, Mapping) else None
    return one_line(named) or of.name


def _login(person: _Person | None) -> str:
    return one_line(person.login, person.name) if person else ""
