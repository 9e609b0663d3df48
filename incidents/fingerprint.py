"""The stable identity of an alert."""

import hashlib
from collections.abc import Mapping

import orjson

_HEX_DIGITS = 32


def fingerprint(integration_id: int | str, key: str, labels: Mapping[str, str]) -> str:
    """32 hex digits, the same for the same integration and key; labels count where key is empty.

    Two integrations never share an alert, whatever keys their senders choose.
    """
    identity: list[object] = ["key", key] if key else ["labels", sorted(labels.items())]
    encoded = orjson.dumps([str(integration_id), *identity])
    return hashlib.sha256(encoded).hexdigest()[:_HEX_DIGITS]
