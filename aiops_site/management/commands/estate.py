import json
import os
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aiops_site.estate import faults, state, supervisord
from aiops_site.estate.layout import SERVICE_NAMES, Fault
from aiops_site.estate.status import EstateStatus, status_of

_ALERT_TOKEN = "AIOPS_ESTATE_ALERT_TOKEN"  # noqa: S105 - the variable's name
_METRICS_TOKEN = "AIOPS_ESTATE_METRICS_TOKEN"  # noqa: S105 - the variable's name
_DOMAIN_ERRORS = (
    faults.ServiceNotRunning,
    faults.UnknownFault,
    faults.UnknownService,
    state.EstateNotRunning,
    supervisord.EstateAlreadyRunning,
    supervisord.EstateFailedToStart,
)


class Command(BaseCommand):
    help = "Runs the sample estate, breaks its services and mends them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        up = deeds.add_parser(
            "up",
            help="run the estate in the foreground for a console that runs without one; tokens of "
            f"its integrations are taken from {_ALERT_TOKEN} and {_METRICS_TOKEN}",
        )
        up.add_argument("--console-url", required=True)
        down = deeds.add_parser("down", help="stop the estate; nothing but its logs is left")
        down.add_argument("--remove-logs", action="store_true")
        status = deeds.add_parser("status", help="show every service")
        status.add_argument("--json", action="store_true", dest="as_json")
        fault = deeds.add_parser("fault", help="break a service")
        fault.add_argument("service", choices=SERVICE_NAMES)
        fault.add_argument("kind", choices=[str(kind) for kind in Fault])
        clear = deeds.add_parser("clear", help="mend a service, or all")
        clear.add_argument("service", choices=SERVICE_NAMES, nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        deed = {
            "up": self._up,
            "down": self._down,
            "status": self._status,
            "fault": self._fault,
            "clear": self._clear,
        }[options["deed"]]
        try:
            deed(options)
        except _DOMAIN_ERRORS as error:
            raise CommandError(str(error)) from error

    def _up(self, options: dict[str, Any]) -> None:
        running = supervisord.start(
            settings.DATA_DIR,
            options["console_url"],
            _required(_ALERT_TOKEN),
            _required(_METRICS_TOKEN),
        )
        self.stdout.write("The sample estate is running. Ctrl-C stops it.")
        try:
            while not supervisord.has_ended(running):
                time.sleep(1)
        except KeyboardInterrupt:
            supervisord.stop(settings.DATA_DIR)

    def _down(self, options: dict[str, Any]) -> None:
        supervisord.stop(settings.DATA_DIR, remove_logs=options["remove_logs"])
        self.stdout.write("The sample estate is stopped.")

    def _status(self, options: dict[str, Any]) -> None:
        found = status_of(settings.DATA_DIR)
        self.stdout.write(json.dumps(found) if options["as_json"] else _as_table(found))

    def _fault(self, options: dict[str, Any]) -> None:
        faults.inject(state.read(settings.DATA_DIR), options["service"], options["kind"])
        self.stdout.write(f"{options['service']} now has the fault {options['kind']}.")

    def _clear(self, options: dict[str, Any]) -> None:
        faults.clear(state.read(settings.DATA_DIR), options["service"])
        self.stdout.write(f"{options['service'] or 'Every service'} is mended.")


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise CommandError(f"{variable} is not set; create_integration prints such a token.")
    return value


def _as_table(found: EstateStatus) -> str:
    if not found["running"]:
        return "The sample estate is not running."
    lines = [f"{'SERVICE':10} {'STATE':10} {'PID':>7} {'PORT':>6} {'FAULT':11} HEALTHY"]
    for name, one in found["services"].items():
        healthy = "yes" if one["healthy"] else "no"
        lines.append(
            f"{name:10} {one['state']:10} {one['pid'] or '-':>7} {one['port']:>6} "
            f"{one['fault'] or '-':11} {healthy}"
        )
    return "\n".join(lines)
