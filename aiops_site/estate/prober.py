"""Looks at every service every two seconds and tells the console as Alertmanager would."""

import argparse
import logging
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from aiops_site.estate import alertmanager, jsonlog, lifeline, state
from aiops_site.estate.alertmanager import Alert
from aiops_site.estate.conditions import Finding, Probe, judge
from aiops_site.estate.delivery import Delivery, Journal
from aiops_site.estate.episodes import Change, Episode
from aiops_site.estate.layout import ENVIRONMENT, HEALTH_PATH, LOOPBACK
from aiops_site.estate.looking import look

LOOK_EVERY_SECONDS = 2.0
_GRACE_SECONDS = 8.0
_FIRST_LOOKS_EVERY_SECONDS = 0.2
_LAST_WORDS_SECONDS = 1.5
_log = logging.getLogger(__name__)


class Watch:
    """What is known of one service: its conditions, and the alerts they have become."""

    def __init__(self, service: str, port: int, delivery: Delivery, external_url: str) -> None:
        self.firing: dict[tuple[str, str], Alert] = {}
        self._service = service
        self._instance = f"{LOOPBACK}:{port}"
        self._delivery = delivery
        self._external_url = external_url
        self._episodes: dict[tuple[str, str], Episode] = {}

    def take(self, probe: Probe, at: datetime) -> None:
        """While a service does not answer, its other conditions are unknown and stay."""
        findings = {finding.key: finding for finding in judge(self._service, probe)}
        for key in findings:
            self._episodes.setdefault(key, Episode())
        for key, episode in self._episodes.items():
            if key in findings or probe.report is not None:
                change = episode.observe(is_bad=key in findings, at=at)
                self._tell(key, change, findings.get(key), at)

    def resolve_all(self, at: datetime) -> None:
        for key in list(self.firing):
            self._send(alertmanager.resolved(self.firing.pop(key), at=at))

    def _tell(
        self, key: tuple[str, str], change: Change | None, finding: Finding | None, at: datetime
    ) -> None:
        if change == "firing" and finding is not None:
            self.firing[key] = self._alert(finding, at)
            self._send(self.firing[key])
        elif change == "repeat":
            self._send(self.firing[key], is_repeat=True)
        elif change == "resolved":
            self._send(alertmanager.resolved(self.firing.pop(key), at=at))

    def _alert(self, finding: Finding, at: datetime) -> Alert:
        labels = {
            "alertname": finding.alertname,
            "service": self._service,
            "severity": finding.severity,
            "env": ENVIRONMENT,
            "instance": self._instance,
        }
        if finding.dependency:
            labels["dependency"] = finding.dependency
        return alertmanager.firing(
            labels,
            finding.summary,
            started_at=at,
            generator_url=f"http://{self._instance}{HEALTH_PATH}",
        )

    def _send(self, alert: Alert, *, is_repeat: bool = False) -> None:
        message = alertmanager.message([alert], external_url=self._external_url)
        self._delivery.send(message, is_repeat=is_repeat)
        fields = {"labels": alert["labels"], "status": alert["status"]}
        _log.info("alert", extra={"fields": fields})


def keep_looking(watch: Watch, port: int, stopping: Event) -> None:
    """Until `stopping`; a service that refuses because it still starts is given time first."""
    patience_ends_at = time.monotonic() + _GRACE_SECONDS
    while not stopping.is_set():
        started = time.monotonic()
        probe = look(port)
        is_starting = probe.is_refused and started < patience_ends_at
        if not is_starting:
            patience_ends_at = started
            watch.take(probe, datetime.now(UTC))
        pause = _FIRST_LOOKS_EVERY_SECONDS if is_starting else LOOK_EVERY_SECONDS
        stopping.wait(max(0.0, started + pause - time.monotonic()))


def resolve_leftovers(journal: Journal, delivery: Delivery, external_url: str) -> None:
    """What an earlier prober left firing is not watched any more, so it is over."""
    for alert in journal.read().values():
        over = alertmanager.resolved(alert, at=datetime.now(UTC))
        delivery.send(alertmanager.message([over], external_url=external_url))


def probe_until(stopping: Event, estate: state.EstateState) -> None:
    """Watches the whole estate; when told to stop, resolves what it can before it goes."""
    external_url = estate.supervisor_url.removesuffix("/RPC2")
    journal = Journal(estate.folder / state.ALERTS_FILE)
    delivery = Delivery(console_url=estate.console_url, token=estate.alert_token, journal=journal)
    resolve_leftovers(journal, delivery, external_url)
    delivery.start()
    watches = {
        name: Watch(name, port, delivery, external_url) for name, port in estate.ports.items()
    }
    for name, watch in watches.items():
        Thread(target=keep_looking, args=(watch, estate.ports[name], stopping), daemon=True).start()
    stopping.wait()
    for watch in watches.values():
        watch.resolve_all(datetime.now(UTC))
    delivery.wait_until_empty(_LAST_WORDS_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    lifeline.die_with_supervisord()
    jsonlog.configure("prober")
    stopping = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    probe_until(stopping, state.read_file(options.state))


if __name__ == "__main__":
    main()
