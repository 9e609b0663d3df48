"""What every body of the API has in common."""

from typing import Any

from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """Refuses fields it does not know; a read-only field posted back has no effect."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                words = "There is no such field."
                raise serializers.ValidationError({name[:100]: [words] for name in unknown[:20]})
        return super().to_internal_value(data)
