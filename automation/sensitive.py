"""Which names stand for a secret, and values with what they stand for masked. Pure."""

import re
from typing import Any

MASK = "••••"
_NAMES = re.compile(
    r"authori[sz]ation|cookie|passw|secret|token|credential|api[-_]?key|private[-_]?key", re.I
)


def is_sensitive(name: str) -> bool:
    return bool(_NAMES.search(name))


def masked(value: Any) -> Any:
    """A copy of JSON `value` in which whatever a sensitive key holds is hidden."""
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        return {key: MASK if is_sensitive(key) else masked(item) for key, item in value.items()}
    return value
