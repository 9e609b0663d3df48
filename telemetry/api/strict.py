"""What every body of the API has in common."""

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

WORDS = {bool: "true or false", int: "a whole number", str: "a string"}
KIND_OF: dict[type[serializers.Field[Any, Any, Any, Any]], type] = {
    serializers.BooleanField: bool,
    serializers.IntegerField: int,
    serializers.CharField: str,
    serializers.SlugRelatedField: str,
    serializers.PrimaryKeyRelatedField: int,
}


class WholeNumber(serializers.IntegerField):
    """For query parameters. REST framework itself would take "1.0" for 1."""

    re_decimal = re.compile(r"(?!)")


class Strict(serializers.Serializer[Any]):
    """Refuses fields it does not know, values of another JSON type than the documented one, and
    text that only trimming would make short enough.

    A read-only field posted back has no effect.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                words = "There is no such field."
                raise serializers.ValidationError({name[:100]: [words] for name in unknown[:20]})
            _demand_documented(self.fields, data)
        return super().to_internal_value(data)


def _demand_documented(fields: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """REST framework itself would take 1 for true, 7 for "7" and "" for null."""
    wrong = {
        name: [words]
        for name, value in given.items()
        if not fields[name].read_only and (words := _problem(fields[name], value))
    }
    if wrong:
        raise serializers.ValidationError(wrong)


def _problem(field: Any, value: Any) -> str:
    """Empty when there is none."""
    if isinstance(field, serializers.ListField):
        items = value if isinstance(value, list) else []
        return next((words for each in items if (words := _problem(field.child, each))), "")
    kind = _kind_of(field)
    if value is None or kind is None:
        return ""
    return _too_long(field, value) if _is_of(kind, value, field) else f"It must be {WORDS[kind]}."


def _kind_of(field: Any) -> type | None:
    if isinstance(field, serializers.ChoiceField):
        return type(next(iter(field.choices)))
    return next((kind for base, kind in KIND_OF.items() if isinstance(field, base)), None)


def _is_of(kind: type, value: Any, field: Any) -> bool:
    if kind is int:
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return is_whole and not isinstance(value, bool)
    is_named = value != "" or not isinstance(field, serializers.RelatedField)
    return isinstance(value, kind) and is_named


def _too_long(field: Any, value: Any) -> str:
    most = getattr(field, "max_length", None)
    is_too_long = most is not None and isinstance(value, str) and len(value) > most
    return f"Ensure this field has no more than {most} characters." if is_too_long else ""
