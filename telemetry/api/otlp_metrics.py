"""Metrics exports are kept raw, and as rates and quantiles, which are watched for anomalies."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DatabaseError, OperationalError, connection, transaction
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from telemetry import keeping, own_metrics, tasks
from telemetry.api.batches import append_each
from telemetry.api.group_commit import Kept, NotKept, Outcome
from telemetry.api.otlp_commits import Export
from telemetry.intake import otlp_metrics
from telemetry.intake.otlp_body import parse
from telemetry.intake.otlp_deltas import DeltaMemory
from telemetry.intake.otlp_prometheus import batch_of
from telemetry.intake.refusals import Unreadable
from telemetry.rates import RateState, derive
from telemetry.samples import Sample
from telemetry.store.database import Unavailable
from telemetry.store.frames import Batch

JUDGE_EVERY_SECONDS = 1.0
MOST_OWED = 50_000


@dataclass(frozen=True, slots=True)
class _Read:
    """What an export holds for watching, and raw."""

    export: otlp_metrics.Export
    batch: Batch

    def outcome(self) -> Kept:
        return Kept(len(self.batch.values), self.export.refused)


class MetricsCommit:
    """Keeps the counters' previous values between exports.

    What a busy database refused is owed until the next export: the same counters sent again would
    give no rate, since their values have been seen.
    """

    def __init__(self) -> None:
        self._rates = RateState()
        self._deltas = DeltaMemory()
        self._owed: list[Sample] = []
        self._rung_at = 0.0

    def __call__(self, exports: list[Export]) -> Sequence[Outcome]:
        """The raw samples first: they may be kept again, if the rest has to be."""
        read = [self._read(export) for export in exports]
        right = [each for each in read if isinstance(each, _Read)]
        try:
            self._keep_raw(right)
            self._keep([each.export for each in right])
        except (DatabaseError, Unavailable):
            return [NotKept("The points could not be kept; send them again.")] * len(exports)
        self._ring()
        return [each.outcome() if isinstance(each, _Read) else each for each in read]

    def _read(self, export: Export) -> _Read | Unreadable:
        now_ms = time.time_ns() // 1_000_000
        try:
            request = parse(ExportMetricsServiceRequest, export.body, export.encoding)
            return _Read(
                otlp_metrics.export_of(request, now_ms=now_ms),
                batch_of(request, self._deltas, now_ms=now_ms),
            )
        except Unreadable as error:
            return error

    def _keep_raw(self, read: list[_Read]) -> None:
        appended = append_each(own_metrics.store(), [each.batch for each in read])
        for each, of_its in zip(read, appended, strict=True):
            for reason, count in of_its.refused.items():
                each.export.refused[f"raw samples {reason}"] += count

    def _keep(self, exports: list[otlp_metrics.Export]) -> None:
        derived = [derive(export.samples, self._rates) for export in exports]
        owed, self._owed = self._owed, []
        try:
            with transaction.atomic():
                keeping.keep(owed)
                beyond = [keeping.keep(samples) for samples in derived]
        except DatabaseError as error:
            if isinstance(error, OperationalError):
                self._owed = [*owed, *(s for samples in derived for s in samples)][-MOST_OWED:]
            keeping.forget_series()
            connection.close()
            raise
        for export, refused in zip(exports, beyond, strict=True):
            if refused:
                export.refused["too many series"] += refused

    def _ring(self) -> None:
        """Once a second is enough for the worker; points that come between are seen next time."""
        now = time.monotonic()
        if now - self._rung_at >= JUDGE_EVERY_SECONDS:
            self._rung_at = now
            tasks.judge_new_points.delay_on_commit()
