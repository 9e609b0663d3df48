"""Machine traffic and static files are served in front of Django; the rest goes in."""

from typing import Any

from django.conf import settings
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiops_site.middleware import HEADERS
from aiops_site.token_readers import admit
from incidents.api import webhooks
from incidents.api.senders import identify_request
from telemetry import own_metrics
from telemetry.api import otlp, prometheus, remote_write

STATIC_CACHE = "max-age=300"


class Headers:
    """The security headers, also on what Django never sees. They go around the whole of an
    application: what it answers when it breaks comes from outside its own middleware."""

    def __init__(self, app: ASGIApp, cache: str = "no-store") -> None:
        self._app = app
        self._headers = HEADERS | {"X-Content-Type-Options": "nosniff", "Cache-Control": cache}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _static() -> Headers:
    files = StaticFiles(
        directory=settings.BASE_DIR / "static", packages=[("django.contrib.admin", "static")]
    )
    served = Starlette(
        routes=[Mount(settings.STATIC_URL, files)], middleware=[Middleware(GZipMiddleware)]
    )
    return Headers(served, cache=STATIC_CACHE)


INTAKE = Starlette(
    routes=[
        *webhooks.routes,
        *otlp.routes(identify_request),
        *remote_write.routes(identify_request, own_metrics.store),
    ]
)
INTAKE_PREFIXES = tuple(
    route.path.partition("{")[0]  # type: ignore[attr-defined]
    for route in INTAKE.routes
)

QUERIES = Starlette(
    routes=prometheus.routes(admit, own_metrics.store),
    exception_handlers={Exception: prometheus.broken},
)


class FrontDoor:
    """Routes by path prefix, so that a page's request pays three string comparisons."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside
        self._static = _static()
        self._intake, self._queries = Headers(INTAKE), Headers(QUERIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._choose(scope["path"])(scope, receive, send)

    def _choose(self, path: str) -> ASGIApp:
        if path.startswith(INTAKE_PREFIXES):
            return self._intake
        if path.startswith(prometheus.PREFIX):
            return self._queries
        return self._static if path.startswith(settings.STATIC_URL) else self._inside
