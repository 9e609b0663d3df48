"""The log lines of a process of the shop, also as OTLP log records with the ids of their trace.

A line that is less than a warning is told only when its trace is told whole; all are in the files.
"""

import logging
from collections.abc import Mapping

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from aiops_site.estate.metering import resource_of
from aiops_site.estate.tracing import current_is_told

_EXPORT_MILLISECONDS = 1000
_EXPORT_TIMEOUT_SECONDS = 2
_MOST_WAITING = 512
_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


class LogExport(logging.Handler):
    """A handler that tells the console; records wait in memory, a bounded number of them."""

    def __init__(self, *, service: str, instance: str, console_url: str, token: str) -> None:
        super().__init__(logging.INFO)
        exporter = OTLPLogExporter(
            endpoint=f"{console_url}/v1/logs",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_EXPORT_TIMEOUT_SECONDS,
        )
        self._provider = LoggerProvider(resource_of(service, instance), shutdown_on_exit=False)
        self._provider.add_log_record_processor(
            BatchLogRecordProcessor(
                exporter,
                max_queue_size=_MOST_WAITING,
                max_export_batch_size=_MOST_WAITING,
                schedule_delay_millis=_EXPORT_MILLISECONDS,
            )
        )
        self._logger = self._provider.get_logger("aiops_site.estate")
        self.addFilter(_is_told)

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, object] = getattr(record, "fields", {})
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_text=record.levelname,
                severity_number=_SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
                body=_in_words(record.getMessage(), fields),
                attributes={name: str(value) for name, value in fields.items()},
            )
        )

    def close(self) -> None:
        self._provider.shutdown()
        super().close()


def _is_told(record: logging.LogRecord) -> bool:
    """Not what the exporters themselves complain about, which would never end."""
    if record.name.startswith("opentelemetry"):
        return False
    return record.levelno >= logging.WARNING or not hasattr(record, "fields") or current_is_told()


def _in_words(message: str, fields: Mapping[str, object]) -> str:
    """For example "request failed /orders 504 in 2003.1 ms: store: timed out"."""
    words = [message, *(str(fields[name]) for name in ("path", "status") if name in fields)]
    if "duration_ms" in fields:
        words.append(f"in {fields['duration_ms']} ms")
    return " ".join(words) + (f": {fields['error']}" if "error" in fields else "")
