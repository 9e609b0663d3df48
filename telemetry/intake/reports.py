"""What an export held."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Record = TypeVar("Record")


@dataclass(slots=True)
class Report(Generic[Record]):
    """Records to keep, and how many were refused for what reason."""

    records: list[Record] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def said(refused: Counter[str]) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in sorted(refused.items()))
