"""Pages by key, not by number: the next page starts after the last row's sort values.

A page costs the same however far it is, and rows that arrive meanwhile shift nothing. Unlike
REST framework's own cursor, which sorts by one column and counts through its ties, every column
takes part, so that a hundred thousand rows of one severity page well.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import Model, Q, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

if TYPE_CHECKING:  # the framework itself loads this module while it makes its views
    from rest_framework.views import APIView

PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
Cursor = tuple[bool, list[Any]]


class Pages(BasePagination):
    """Cursor pages: `{"next", "previous", "results"}`, `?limit=` up to 1000.

    A view may set `ordering`, columns that are never null; the primary key is always its last.
    The default is newest first by primary key.
    """

    def paginate_queryset(
        self, queryset: Any, request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        self._url = request.build_absolute_uri()
        self._limit = _limit(request.query_params.get("limit"))
        self._ordering = complete(tuple(getattr(view, "ordering", ("-pk",))), queryset.model)
        cursor = _decode(request.query_params.get("cursor", ""))
        self._is_back, self._position = cursor or (False, [])
        rows = self._rows(queryset)
        self._has_more = len(rows) > self._limit
        page = rows[: self._limit]
        self._page = page[::-1] if self._is_back else page
        return self._page

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.next_link(), "previous": self.previous_link()}
        return Response({**links, "results": data})

    def next_link(self) -> str | None:
        has_next = self._has_more or self._is_back
        return self._link(self._page[-1], is_back=False) if has_next and self._page else None

    def previous_link(self) -> str | None:
        has_previous = bool(self._position) and (self._has_more or not self._is_back)
        return self._link(self._page[0], is_back=True) if has_previous and self._page else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "default": PAGE_SIZE}
        words = f"Rows a page; at most {MAX_PAGE_SIZE} are given."
        return [
            {"name": "limit", "in": "query", "description": words, "schema": limit},
            {
                "name": "cursor",
                "in": "query",
                "description": "From `next` or `previous` of another page.",
                "schema": {"type": "string"},
            },
        ]

    def _rows(self, queryset: QuerySet[Any]) -> list[Any]:
        ordering = reverse(self._ordering) if self._is_back else self._ordering
        ordered = queryset.order_by(*ordering)
        if not self._position:
            return list(ordered[: self._limit + 1])
        if len(self._position) != len(ordering):
            raise NotFound(_FOREIGN_CURSOR)
        try:
            return list(ordered.filter(after(ordering, self._position))[: self._limit + 1])
        except (ValueError, TypeError, InvalidValue, OverflowError) as error:
            raise NotFound(_FOREIGN_CURSOR) from error

    def _link(self, row: Model, *, is_back: bool) -> str:
        cursor = encode(position_of(row, self._ordering), is_back=is_back)
        return replace_query_param(remove_query_param(self._url, "cursor"), "cursor", cursor)


def complete(ordering: Sequence[str], model: type[Model]) -> tuple[str, ...]:
    """The ordering with the primary key as its last column, so that no two rows are equal."""
    names = {"pk", model._meta.pk.name}
    if any(name.removeprefix("-") in names for name in ordering):
        return tuple(ordering)
    last = ordering[-1] if ordering else "-"
    return (*ordering, "-pk" if last.startswith("-") else "pk")


def reverse(ordering: Sequence[str]) -> tuple[str, ...]:
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in ordering)


def after(ordering: Sequence[str], position: Sequence[Any]) -> Q:
    """The rows that come after a position, which holds a value for each column."""
    where, equal = Q(), Q()
    for name, value in zip(ordering, position, strict=True):
        column, verb = name.removeprefix("-"), "lt" if name.startswith("-") else "gt"
        where |= equal & Q(**{f"{column}__{verb}": value})
        equal &= Q(**{column: value})
    first, verb = ordering[0].removeprefix("-"), "lte" if ordering[0].startswith("-") else "gte"
    return Q(**{f"{first}__{verb}": position[0]}) & where


def position_of(row: Model, ordering: Sequence[str]) -> list[Any]:
    return [getattr(row, name.removeprefix("-")) for name in ordering]


def encode(position: Sequence[Any], *, is_back: bool) -> str:
    values = [each.isoformat() if isinstance(each, datetime) else each for each in position]
    return base64.urlsafe_b64encode(orjson.dumps([is_back, values])).decode().rstrip("=")


def _decode(text: str) -> Cursor | None:
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        is_back, values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, UnicodeError) as error:
        raise NotFound(_FOREIGN_CURSOR) from error
    if not isinstance(values, list) or not all(isinstance(each, str | int) for each in values):
        raise NotFound(_FOREIGN_CURSOR)
    return bool(is_back), values


def _limit(text: str | None) -> int:
    """More than the most is cut."""
    if text is None:
        return PAGE_SIZE
    if not (text.isascii() and text.isdecimal() and int(text[:18])):
        raise ValidationError({"limit": ["A whole number from 1."]})
    return min(int(text[:18]), MAX_PAGE_SIZE)


_FOREIGN_CURSOR = "This cursor does not belong to this list."
