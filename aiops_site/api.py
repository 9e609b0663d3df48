"""The API's front: which domain error is which HTTP status, as RFC 9457 problem details."""

import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.db.models import ProtectedError
from django.http import Http404
from rest_framework.exceptions import APIException, NotFound
from rest_framework.exceptions import ValidationError as InvalidBody
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from aiops_site.dashboards.document import NotADashboard
from aiops_site.dashboards.keeping import ChangedMeanwhile
from automation.approval import HeldBack, MayNot, PlanChanged
from automation.execution import Fenced
from automation.intervention import NotStoppable
from automation.plan import PlanRefused
from automation.planning import AlreadyPlanned
from incidents.connecting import CannotConnect
from incidents.lifecycle import InvalidTransition
from incidents.query import QuerySyntaxError
from incidents.rotating import CannotRevoke
from telemetry.catalog import CatalogRefused

logger = logging.getLogger(__name__)
Extra = Callable[[Any], dict[str, Any]]
MEDIA_TYPE = "application/problem+json"
KEPT_HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")

STATUS_OF: dict[type[Exception], int] = {
    InvalidTransition: 409,
    CannotRevoke: 409,
    NotStoppable: 409,
    HeldBack: 409,
    PlanChanged: 409,
    AlreadyPlanned: 409,
    Fenced: 409,
    ChangedMeanwhile: 409,
    ProtectedError: 409,
    MayNot: 403,
    PlanRefused: 400,
    NotADashboard: 400,
    QuerySyntaxError: 400,
    CannotConnect: 400,
    CatalogRefused: 400,
    ValidationError: 400,
    ObjectDoesNotExist: 404,
    OperationalError: 503,
    InterfaceError: 503,
}
LATER = "The database does not answer; try again."
WORDS_OF: dict[type[Exception], str] = {
    OperationalError: LATER,
    InterfaceError: LATER,
    Fenced: "The execution has moved on meanwhile; look again.",
    ProtectedError: "Something else still uses it.",
    ObjectDoesNotExist: "There is no such thing, or no more.",
}
EXTRA_OF: dict[type[Exception], Extra] = {
    PlanChanged: lambda error: {"difference": error.difference, "plan_hash": error.plan_hash},
    PlanRefused: lambda error: {"problems": error.problems},
    NotADashboard: lambda error: {"problems": error.by_place},
    ChangedMeanwhile: lambda error: {"version": error.version},
    QuerySyntaxError: lambda error: {"position": error.position, "suggestion": error.suggestion},
}


CONFLICTS = {"unique", "does_not_exist"}
FIELDS_ARE_WRONG = "Some fields are not valid."
OTHERS_ARE_IN_THE_WAY = "What it names is taken already, or is not there."


class Unknown(APIView):
    """Whatever path of the API is nobody else's."""

    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path. The paths of the API end in a slash.")


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets an unexpected error become a 500."""
    if isinstance(error, APIException | Http404 | PermissionDenied):
        return _from_framework(error, context)
    kind = next((each for each in STATUS_OF if isinstance(error, each)), None)
    if kind is None:
        return None
    extra = EXTRA_OF[kind](error) if kind in EXTRA_OF else {}
    if STATUS_OF[kind] == 503:
        logger.error("The API could not ask the database: %s", error)
    return problem_response(STATUS_OF[kind], WORDS_OF.get(kind) or _words(error), **extra)


def problem_response(code: int, detail: str, **extra: Any) -> Response:
    title = HTTPStatus(code).phrase
    document = {"type": "about:blank", "title": title, "status": code, "detail": detail, **extra}
    headers = {"Retry-After": "5"} if code == 503 else None
    return Response(document, status=code, content_type=MEDIA_TYPE, headers=headers)


def _words(error: Exception) -> str:
    return "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)


def _from_framework(error: Exception, context: dict[str, Any]) -> Response | None:
    response = exception_handler(error, context)
    if response is None:
        return None
    given = response.data
    detail = given.get("detail") if isinstance(given, dict) and "detail" in given else None
    extra = {} if detail else {"errors": given}
    is_conflict = isinstance(error, InvalidBody) and set(_codes(error.get_codes())) <= CONFLICTS
    words = OTHERS_ARE_IN_THE_WAY if is_conflict else FIELDS_ARE_WRONG
    code = 409 if is_conflict else response.status_code
    answer = problem_response(code, str(detail or words), **extra)
    for name in KEPT_HEADERS:
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _codes(nested: Any) -> Iterator[str]:
    """What is wrong with each field, however deep it lies."""
    if isinstance(nested, str):
        yield nested
        return
    for each in nested.values() if isinstance(nested, dict) else nested:
        yield from _codes(each)
