"""What must be in the database before the console serves."""

import time

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

SECONDS_FOR_ANOTHER_MACHINE_TO_MIGRATE = 120


def prepare() -> list[str]:
    """Migrate, then call what settings.FIRST_RUN names, in order, each time the web starts.

    Each may be repeated. What they return is printed when the console is ready, such as how to
    sign in; an empty text is not.
    """
    if _has_pending_migrations():
        call_command("migrate", interactive=False, verbosity=0)
    said = [import_string(name)() for name in settings.FIRST_RUN]
    return [line for line in said if line]


def wait_for_migrations() -> None:
    """A worker or beat of its own leaves migrating to the web role."""
    ends_at = time.monotonic() + SECONDS_FOR_ANOTHER_MACHINE_TO_MIGRATE
    while _has_pending_migrations():
        if time.monotonic() > ends_at:
            raise CommandError("The database is not migrated. Start the web role, or run migrate.")
        time.sleep(1)


def _has_pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
