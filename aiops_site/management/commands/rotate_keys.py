import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from aiops_site import key_rotation
from aiops_site.key_rotation import Found

WAY_OUT = (
    "no known key reads it. Add its key to AIOPS_SECRET_KEY_FALLBACKS, or enter the secret again."
)


class Command(BaseCommand):
    help = (
        "Write secrets and sessions anew with the newest key, so that the older ones of "
        "AIOPS_SECRET_KEY_FALLBACKS can go. Exit 1 when something is still of an older key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only look; change nothing.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if not check:
            for look in (key_rotation.secrets, key_rotation.sessions):
                look(renewing=True)
        left = {
            "secrets": key_rotation.secrets(renewing=False),
            "sessions": key_rotation.sessions(renewing=False),
        }
        for kind, found in left.items():
            self._say(kind, found)
        if any(found.old or found.lost for found in left.values()):
            sys.exit(1)

    def _say(self, kind: str, found: Found) -> None:
        self.stdout.write(f"{kind:9}{found.total}, {found.old} old")
        for name in found.lost:
            self.stdout.write(f"         {name}: {WAY_OUT}")
