import os
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiops_site.people import make_administrator


class Command(BaseCommand):
    help = "Make an administrator; the password comes from an environment variable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--password-env", required=True, metavar="VAR")

    def handle(self, *args: Any, username: str, password_env: str, **options: Any) -> None:
        password = os.environ.get(password_env, "")
        if not password:
            raise CommandError(f"{password_env} is not set; put the password there.")
        if User.objects.filter(username=username).exists():
            raise CommandError(f"There is a user {username} already.")
        user = User(username=username)
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        make_administrator(user)
        self.stdout.write(f"{username} may now sign in.")
