"""The API's front: which domain error is which HTTP status, as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from automation.approval import MayNot, PlanChanged
from automation.execution import NotStoppable
from incidents.lifecycle import InvalidTransition, StaleIncident
from incidents.query import QuerySyntaxError

CONFLICTS = (InvalidTransition, StaleIncident, NotStoppable)


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets an unexpected error become a 500."""
    if isinstance(error, CONFLICTS):
        return _problem(409, str(error))
    if isinstance(error, PlanChanged):
        return _problem(409, str(error), difference=error.difference, plan_hash=error.plan_hash)
    if isinstance(error, MayNot):
        return _problem(403, str(error))
    if isinstance(error, QuerySyntaxError):
        return _problem(400, str(error), position=error.position)
    if isinstance(error, ValidationError):
        return _problem(400, "; ".join(error.messages))
    if isinstance(error, APIException | Http404 | PermissionDenied):
        return _from_framework(error, context)
    return None


def _from_framework(error: Exception, context: dict[str, Any]) -> Response | None:
    response = exception_handler(error, context)
    if response is None:
        return None
    given = response.data
    detail = given.get("detail") if isinstance(given, dict) and "detail" in given else None
    extra = {} if detail else {"errors": given}
    problem = _problem(response.status_code, str(detail or "Some fields are not valid."), **extra)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in response.headers:
            problem.headers[name] = response.headers[name]
    return problem


def _problem(status: int, detail: str, **extra: Any) -> Response:
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **extra}
    return Response(document, status=status, content_type="application/problem+json")
