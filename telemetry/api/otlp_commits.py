"""Exports that arrived together are read one by one and kept in one transaction."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from telemetry.api.group_commit import Kept, NotKept, Outcome
from telemetry.intake.otlp_http import Encoding
from telemetry.intake.refusals import Unreadable
from telemetry.intake.reports import Record, Report
from telemetry.store.database import Unavailable


@dataclass(frozen=True, slots=True)
class Export:
    """A request's body, unpacked."""

    body: bytes
    encoding: Encoding


Commit = Callable[[list[Export]], Sequence[Outcome]]


class Read(Protocol[Record]):
    def __call__(self, body: bytes, encoding: Encoding, *, now_ns: int) -> Report[Record]: ...


def commit_records(read: Read[Record], append: Callable[[list[Record]], None]) -> Commit:
    """For logs and for spans."""

    def read_one(export: Export) -> Report[Record] | Unreadable:
        try:
            return read(export.body, export.encoding, now_ns=time.time_ns())
        except Unreadable as error:
            return error

    def commit(exports: list[Export]) -> Sequence[Outcome]:
        read_ones = [read_one(export) for export in exports]
        reports = [each for each in read_ones if isinstance(each, Report)]
        records = [record for report in reports for record in report.records]
        try:
            if records:
                append(records)
        except Unavailable as error:
            return [NotKept(str(error))] * len(exports)
        return [
            Kept(len(each.records), each.refused) if isinstance(each, Report) else each
            for each in read_ones
        ]

    return commit
