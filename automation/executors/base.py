"""Where a step is done. An executor is given exactly the request that was approved."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from automation.sensitive import MASK
from telemetry.outbound import Guard

CHECK_SECONDS = 5.0
FIND_SECONDS = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """`failed`: it did not happen, or can safely be asked for again; `unknown`: it may have."""

    status: Literal["succeeded", "failed", "unknown"]
    summary: str


def succeeded(summary: str) -> Outcome:
    return Outcome("succeeded", summary)


def failed(summary: str) -> Outcome:
    return Outcome("failed", summary)


def unknown(summary: str) -> Outcome:
    return Outcome("unknown", summary)


def sentence(error: Exception) -> str:
    """What went wrong, ending in a full stop; the error's name when it says nothing."""
    return f"{str(error).strip().removesuffix('.') or type(error).__name__}."


@dataclass(frozen=True)
class Endpoint:
    """A connection with its secret. A secret without a user name is a bearer token."""

    url: str
    username: str = ""
    secret: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def hide_secrets(self, text: str) -> str:
        """`text` without any secret of this connection, however it was sent."""
        pair = base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()
        hidden = [pair, self.secret, *self.headers.values()] if self.secret else []
        for secret in hidden or self.headers.values():
            text = text.replace(secret, MASK) if secret else text
        return text


@dataclass(frozen=True)
class Run:
    """What a step has while it runs. `ends_at` is on `time.monotonic`'s clock."""

    endpoint: Endpoint | None
    say: Say
    ends_at: float
    guard: Guard

    def seconds_left(self) -> float:
        return self.ends_at - time.monotonic()


class Executor:
    """One place where actions are done."""

    slug: ClassVar[str]

    def run(
        self,
        request: Mapping[str, Any],
        *,
        endpoint: Endpoint | None,
        on_output: Say,
        deadline: float,
        guard: Guard,
    ) -> Outcome:
        """Do `request`, as an action made it, before `deadline` on `time.monotonic`'s clock.

        `on_output` gets one line at a time, without the connection's secrets; what it raises stops
        the run and is passed on. Raises `pydantic.ValidationError` for a request of another shape;
        what the network does is an outcome, not an error.
        """
        hide = endpoint.hide_secrets if endpoint else str
        run = Run(endpoint, lambda line: on_output(hide(line)), deadline, guard)
        outcome = self.perform(request, run)
        return Outcome(outcome.status, hide(outcome.summary))

    def perform(self, request: Mapping[str, Any], run: Run) -> Outcome:
        raise NotImplementedError

    def check(self, endpoint: Endpoint, *, guard: Guard) -> Outcome:
        """Try the connection without changing anything, within five seconds."""
        raise NotImplementedError

    def find(
        self, request: Mapping[str, Any], endpoint: Endpoint, *, guard: Guard
    ) -> Outcome | None:
        """Whether the target of `request` is there, asked within two seconds; changes nothing.

        The summary goes on after the connection's name. None when it can't be told beforehand.
        """
        return None
