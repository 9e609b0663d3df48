"""Fifty rows and the links to the pages before and after, by key."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from telemetry.paging import Pages

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: list[Row]
    next_url: str | None
    previous_url: str | None


class _Ordered(APIView):
    """What the paginator asks a view for."""

    ordering: tuple[str, ...] = ()


def page_of(
    queryset: QuerySet[Row], request: HttpRequest, ordering: tuple[str, ...], *, path: str = ""
) -> Page[Row]:
    """`ordering` names columns that are never null. A cursor of another list is a 404.

    The links lead to `path`, with nothing but the cursor, or to where the request came.
    """
    pages = Pages()
    view = _Ordered()
    view.ordering = ordering
    try:
        rows: list[Any] = pages.paginate_queryset(queryset, Request(request), view)
    except APIException as error:
        raise Http404(str(error.detail)) from error
    return Page(rows, _at(path, pages.next_link()), _at(path, pages.previous_link()))


def _at(path: str, link: str | None) -> str | None:
    if not path or link is None:
        return link
    return f"{path}?{urlencode({'cursor': parse_qs(urlsplit(link).query)['cursor'][0]})}"
