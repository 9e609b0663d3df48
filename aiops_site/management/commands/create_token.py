import json
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiops_site.models import ApiToken
from telemetry.credentials import issue_token


class Command(BaseCommand):
    help = "Make an API token with its owner's roles; it is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, user: str, name: str, as_json: bool, **options: Any) -> None:
        owner = User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(f"There is no user {user}.")
        if owner.api_tokens.filter(name=name).exists():
            raise CommandError(
                f"{user} has a token {name} already; revoke it or choose another name."
            )
        token = issue_token()
        ApiToken.objects.create(owner=owner, name=name, token_hash=token.hashed)
        url = f"{settings.PUBLIC_URL}/api/v1/"
        if as_json:
            self.stdout.write(json.dumps({"token": token.plain, "url": url}))
            return
        self.stdout.write(f"URL    {url}\nToken  {token.plain}\nThe token is not shown again.")
