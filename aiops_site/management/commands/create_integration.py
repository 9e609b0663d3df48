import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from incidents import connecting


class Command(BaseCommand):
    help = "Make an integration; its token is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider")
        parser.add_argument("--name", required=True)
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, provider: str, name: str, as_json: bool, **options: Any) -> None:
        try:
            made = connecting.connect(provider, name=name, by=None)
        except connecting.CannotConnect as error:
            raise CommandError(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps({"token": made.token, "url": made.url}))
            return
        self.stdout.write(f"URL    {made.url}\nToken  {made.token}\nThe token is not shown again.")
