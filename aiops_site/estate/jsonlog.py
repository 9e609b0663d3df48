"""One JSON object a line on standard output; supervisord keeps and rotates the files."""

import json
import logging
import sys
import time
from typing import Any

_QUIET_SECONDS = 60.0
_EXPORTERS = (
    "exporter.otlp.proto.http.metric_exporter",
    "exporter.otlp.proto.http.trace_exporter",
    "exporter.otlp.proto.http._log_exporter",
    "sdk._shared_internal",
)


class _JsonFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "message": record.getMessage(),
        }
        fields |= getattr(record, "fields", {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


class OncePerMinute(logging.Filter):
    """Lets one line a minute through: a console that is away must not fill the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created < self._quiet_until:
            return False
        self._quiet_until = record.created + _QUIET_SECONDS
        return True


def configure(service: str) -> None:
    """Every log line of this process; of each exporter's complaints one a minute."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for exporter in _EXPORTERS:
        logging.getLogger(f"opentelemetry.{exporter}").addFilter(OncePerMinute())
