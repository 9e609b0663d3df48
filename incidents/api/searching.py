"""`?q=` for the lists that speak the search language."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from incidents import search


class Searched(BaseFilterBackend):
    """The view says its `language`; the sort of the search becomes the view's `ordering`."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        language: search.Language = view.language  # type: ignore[attr-defined]
        text = request.query_params.get("q", "")
        found = search.read(text, language, by=request.user, at=timezone.now())
        view.ordering = found.ordering  # type: ignore[attr-defined]
        return queryset.filter(found.where)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        words = "A search, for example `severity:>=high -is:resolved sort:-opened`."
        known = ", ".join(f"`{name}`" for name in view.language.fields)
        return [
            {
                "name": "q",
                "in": "query",
                "description": f"{words} Fields: {known}.",
                "schema": {"type": "string", "maxLength": 512},
            }
        ]
