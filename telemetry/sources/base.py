"""What a product that keeps telemetry can be asked, whichever product it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import httpx

from telemetry.calls import CallEdge
from telemetry.records import LogRecord, Span
from telemetry.store.frames import Frame
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery, TraceSummary

Ability = Literal["metrics", "logs", "traces", "services", "edges"]
Language = Literal["promql", "datadog", "cloudwatch", ""]

MOST_POINTS = 11_000  # of one series; what Prometheus itself allows


class SourceFailed(Exception):
    """The source did not answer, or not with what was asked; the message names why and what helps.

    `is_passing` says whether the same question may be asked again, `is_about_question` that the
    source is well and the question is not. `status` is the HTTP status, 0 without an answer.
    """

    def __init__(
        self,
        message: str,
        *,
        is_passing: bool = False,
        is_about_question: bool = False,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.is_about_question = is_about_question
        self.status = status


@dataclass(frozen=True, slots=True)
class Stretch:
    """Both ends in milliseconds since the epoch, both included."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that must or may be told about a source. A secret one is kept encrypted."""

    name: str
    label: str
    help: str = ""
    is_secret: bool = False
    is_required: bool = False


class Asker(Protocol):
    """How a source is reached: its address, credentials, limits and breaker are known to it."""

    async def get(
        self,
        path: str,
        params: Mapping[str, str | Sequence[str]] = {},
        *,
        headers: Mapping[str, str] = {},
    ) -> httpx.Response:
        """Raises SourceFailed, also for an answer that is no success."""

    async def post(
        self,
        path: str,
        *,
        json: object = None,
        content: bytes = b"",
        headers: Mapping[str, str] = {},
    ) -> httpx.Response:
        """As `get`. It may be sent again after a failure, so it only asks."""


class Source(ABC):
    """One product. A method is there for each of its `abilities`; every one raises SourceFailed.

    `language` is the one that `metrics` takes.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    abilities: ClassVar[frozenset[Ability]]
    language: ClassVar[Language] = ""

    async def check(self) -> str:
        """What answers there, in words for a person, such as "Prometheus 2.42.0"."""
        raise NotImplementedError

    async def metrics(self, query: str, stretch: Stretch, step_ms: int) -> list[Frame]:
        """In the source's own language; times are multiples of the step from the start."""
        raise NotImplementedError

    async def logs(self, query: LogQuery, limit: int) -> list[LogRecord]:
        """Newest first. Of `before` only the time counts, since others have no numbers of ours."""
        raise NotImplementedError

    async def traces(self, query: TraceQuery, limit: int) -> list[TraceSummary]:
        """Newest first."""
        raise NotImplementedError

    async def trace(self, trace_id: str) -> list[Span]:
        """In order of their start; empty when it is not known."""
        raise NotImplementedError

    async def services(self, stretch: Stretch) -> list[str]:
        raise NotImplementedError

    async def edges(self, stretch: Stretch) -> list[CallEdge]:
        raise NotImplementedError


USERNAME = Setting("username", "User name", "With a password; leave it empty to use a token.")
PASSWORD = Setting("password", "Password or token", is_secret=True)
TENANT = Setting("tenant", "Tenant", "Sent as X-Scope-OrgID, where several share one server.")


@dataclass(frozen=True)
class RemoteSource(Source):
    """A product that is reached over HTTP."""

    example: ClassVar[str]  # of an address
    settings: ClassVar[tuple[Setting, ...]] = (USERNAME, PASSWORD)

    asker: Asker
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def auth(cls, options: Mapping[str, str], secrets: Mapping[str, str]) -> httpx.Auth:
        """How a request says who asks: basic or bearer, and the tenant where there is one."""
        headers = {"x-scope-orgid": options["tenant"]} if options.get("tenant") else {}
        password = secrets.get("password", "")
        if options.get("username"):
            basic = httpx.BasicAuth(options["username"], password)
            signed = next(basic.sync_auth_flow(httpx.Request("GET", "http://none")))
            headers["authorization"] = signed.headers["authorization"]
        elif password:
            headers["authorization"] = f"Bearer {password}"
        return HeaderAuth(headers)

    @classmethod
    @abstractmethod
    def reason_in(cls, refusal: bytes) -> str:
        """What the product says is wrong with a question. Raises ValueError for a body that is not
        one of its refusals, since nothing else of an answer may be repeated."""


class HeaderAuth(httpx.Auth):
    """Puts headers on a request that a redirect to another origin does not take along."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request) -> Any:
        for name, value in self._headers.items():
            request.headers[name] = value
        yield request
