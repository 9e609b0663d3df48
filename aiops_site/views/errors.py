import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.defaults import server_error


def forbidden(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A request without a valid CSRF token, as a page or as problem details."""
    if _is_program(request):
        return _problem(HTTPStatus.FORBIDDEN, reason)
    return render(request, "403.html", {"reason": reason}, status=403)


def unreadable(request: HttpRequest, reason: str) -> HttpResponse:
    """A request that was refused before anybody asked who sent it."""
    if _is_program(request):
        return _problem(HTTPStatus.BAD_REQUEST, reason)
    return HttpResponse(render_to_string("400.html"), status=400)


def failed(request: HttpRequest) -> HttpResponse:
    """What nobody expected; a database that does not answer is a reason to come back later."""
    if not isinstance(sys.exception(), OperationalError | InterfaceError):
        return server_error(request)
    if _is_program(request):
        answer = _problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer; try again."
        )
    else:
        answer = HttpResponse(render_to_string("site/unavailable.html"), status=503)
    answer.headers["Retry-After"] = "5"
    return answer


def _is_program(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _problem(status: HTTPStatus, detail: str) -> HttpResponse:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return JsonResponse(problem, status=status, content_type="application/problem+json")
