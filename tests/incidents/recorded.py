"""The recorded bodies of tests/payloads, read as intake reads them."""

from pathlib import Path
from typing import Any

from incidents.payload import read_json

PAYLOADS = Path(__file__).parents[1] / "payloads"


def recorded(name: str) -> Any:
    """``recorded("alertmanager/firing")``"""
    return read_json((PAYLOADS / f"{name}.json").read_bytes())
