from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field

LARGEST = 2**63 - 1


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST})
class KeyFilter(filters.NumberFilter):
    """By the number of something else."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        bounds = {"min_value": 1, "max_value": LARGEST, "decimal_places": 0}
        super().__init__(field_name, **bounds, **kwargs)


@extend_schema_field({"type": "boolean"})
class TruthFilter(filters.TypedChoiceFilter):
    """`true` or `false`; anything else is an error, where a BooleanFilter would filter nothing."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        choices = [(word, word) for word in ("true", "false")]
        super().__init__(field_name, choices=choices, coerce="true".__eq__, **kwargs)
