import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from aiops_site import doctor


class Command(BaseCommand):
    help = "Check what must always be true of the database; exit 1 when something is not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        verdicts = doctor.examine()
        if as_json:
            found = {verdict.invariant: verdict.findings for verdict in verdicts}
            healthy = all(verdict.holds for verdict in verdicts)
            self.stdout.write(json.dumps({"healthy": healthy, "findings": found}))
        else:
            for verdict in verdicts:
                self._say(verdict)
        if not all(verdict.holds for verdict in verdicts):
            sys.exit(1)

    def _say(self, verdict: doctor.Verdict) -> None:
        self.stdout.write(f"{'ok    ' if verdict.holds else 'BROKEN'} {verdict.invariant}")
        for finding in verdict.findings:
            self.stdout.write(f"         {finding}")
