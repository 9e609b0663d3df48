"""Machine traffic that arrives by the thousand is served in front of Django; the rest goes in."""

from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from incidents.api import webhooks
from incidents.api.senders import identify_request
from telemetry.api import otlp

INTAKE = Starlette(routes=[*webhooks.routes, *otlp.routes(identify_request)])
PREFIXES = tuple(
    route.path.partition("{")[0]  # type: ignore[attr-defined]
    for route in INTAKE.routes
)


class FrontDoor:
    """Routes by path prefix, so that a page's request pays one string comparison."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = INTAKE if scope["path"].startswith(PREFIXES) else self._inside
        await application(scope, receive, send)
