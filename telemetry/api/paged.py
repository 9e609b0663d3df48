from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response


def page_of(
    view: GenericAPIView[Any],
    rows: QuerySet[Any],
    serializer: type[serializers.BaseSerializer[Any]],
) -> Response:
    """A page of other rows than the view's own, for its actions."""
    page = view.paginate_queryset(rows)
    return view.get_paginated_response(serializer(page, many=True).data)
