from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url

from aiops_site.views.errors import unreadable

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        f"connect-src 'self' {settings.PUBLIC_URL.replace('http', 'ws', 1)}",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "report-uri /csp-report/",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class SecurityHeaders:
    """On every response, errors and the admin included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class NulRefused:
    """PostgreSQL keeps no text with a NUL in it. The API's parser and the
    admin's forms refuse it themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META["QUERY_STRING"] or _form_has_nul(request):
            return unreadable(request, "The request contains a NUL character.")
        return self.get_response(request)


class SignInRequired(LoginRequiredMiddleware):
    """Pages need a signed-in person; htmx is told to send the whole page to sign in."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None  # before anybody asks the database who this is: it may be down
        response = super().process_view(request, view_func, view_args, view_kwargs)
        if response is None or request.headers.get("HX-Request") != "true":
            return response
        sign_in = redirect_to_login(_page_of(request), resolve_url(settings.LOGIN_URL))
        return HttpResponse(status=401, headers={"HX-Redirect": sign_in.url})


def _form_has_nul(request: HttpRequest) -> bool:
    if request.path.startswith(("/api/", "/admin/")) or request.method != "POST":
        return False
    return any("\0" in value for _, values in request.POST.lists() for value in values)


def _page_of(request: HttpRequest) -> str:
    """The page that a fragment belongs to, if the browser says so: one comes back to that."""
    try:
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return request.get_full_path()
    if not page.path.startswith("/"):
        return request.get_full_path()
    return urlunsplit(("", "", page.path, page.query, ""))
