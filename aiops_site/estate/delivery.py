"""Gets webhooks to the console in order, however long it is away."""

import json
import logging
import time
from collections import deque
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Condition, Thread
from typing import Any
from urllib.parse import urlsplit

from aiops_site.estate import state
from aiops_site.estate.alertmanager import Alert

WEBHOOK_PATH = "/api/v1/webhooks/alertmanager/"
_TIMEOUT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Undelivered(Exception):
    """The console is away or says it cannot keep the message now: send it again."""


class Journal:
    """Alerts the console believes to be firing, so that a later prober can resolve them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Alert]:
        """By fingerprint."""
        try:
            alerts: dict[str, Alert] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return alerts

    def announced(self, alerts: list[Alert]) -> None:
        self._write(self.read() | {alert["fingerprint"]: alert for alert in alerts})

    def settled(self, alerts: list[Alert]) -> None:
        over = {alert["fingerprint"] for alert in alerts}
        self._write({key: alert for key, alert in self.read().items() if key not in over})

    def _write(self, alerts: dict[str, Alert]) -> None:
        if alerts:
            state.write_private(self._path, json.dumps(alerts))
        else:
            self._path.unlink(missing_ok=True)


class Delivery(Thread):
    """One message at a time, the oldest first, until the console has taken it."""

    def __init__(self, *, console_url: str, token: str, journal: Journal) -> None:
        super().__init__(name="delivery", daemon=True)
        self._url = urlsplit(console_url)
        self._token = token
        self._journal = journal
        self._letters: deque[dict[str, Any]] = deque()
        self._changed = Condition()

    def send(self, message: dict[str, Any], *, is_repeat: bool = False) -> None:
        """A repeat is left out while something newer or equal about its group still waits."""
        with self._changed:
            groups = {letter["groupKey"] for letter in self._letters}
            if is_repeat and message["groupKey"] in groups:
                return
            self._letters.append(message)
            self._journal.announced(_with_status(message, "firing"))
            self._changed.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._letters, seconds)

    def run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            message = self._next()
            try:
                self._post(message)
            except (Undelivered, OSError, HTTPException) as error:
                if pause == _FIRST_PAUSE_SECONDS:
                    _log.warning("webhook not delivered yet: %s", error)
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                pause = _FIRST_PAUSE_SECONDS
                self._drop(message)

    def _next(self) -> dict[str, Any]:
        with self._changed:
            self._changed.wait_for(lambda: self._letters)
            return self._letters[0]

    def _drop(self, message: dict[str, Any]) -> None:
        with self._changed:
            self._letters.popleft()
            self._journal.settled(_with_status(message, "resolved"))
            self._changed.notify_all()

    def _post(self, message: dict[str, Any]) -> None:
        status = self._status_of_post(json.dumps(message).encode())
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Undelivered(f"the console answered {status}")
        fields = {"status": status, "group": message["groupKey"], "alerts": message["status"]}
        is_refused = status >= HTTPStatus.BAD_REQUEST
        level = logging.ERROR if is_refused else logging.INFO
        _log.log(
            level,
            "webhook refused" if is_refused else "webhook delivered",
            extra={"fields": fields},
        )

    def _status_of_post(self, body: bytes) -> int:
        connection = HTTPConnection(
            str(self._url.hostname), self._url.port or 80, timeout=_TIMEOUT_SECONDS
        )
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "User-Agent": "aiops-sample-prober",
        }
        try:
            connection.request("POST", f"{self._url.path}{WEBHOOK_PATH}", body, headers)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


def _with_status(message: dict[str, Any], status: str) -> list[Alert]:
    return [alert for alert in message["alerts"] if alert["status"] == status]
