"""Start the console: web, worker and beat under one parent."""

import functools
import os
import socket
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiops_site import env
from aiops_site.supervision import first_run, locks, readiness, roles, sample
from aiops_site.supervision.child import Child
from aiops_site.supervision.supervisor import Supervisor

ROLES = ("web", "worker", "beat")
BACKLOG = 2048


class Command(BaseCommand):
    help = "Start the console: web, worker and beat under one parent, until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=ROLES, help="Run one role, for many machines.")

    def handle(self, *args: Any, only: str | None = None, **options: Any) -> None:
        os.umask(0o077)  # what the console keeps is its owner's alone
        chosen = (only,) if only else ROLES
        has_estate = not only and env.choice("ESTATE", ("sample", "none"), "sample") == "sample"
        for role in chosen:
            _hold_lock(role)
        listener = _listen() if "web" in chosen else None
        lines = _prepare_database(is_web=listener is not None)
        roles.load_everything(is_web=listener is not None)
        children = _children(chosen, listener, lines)
        if listener is not None and has_estate:
            children.append(_estate(listener))
        Supervisor(children).run()


def _hold_lock(role: str) -> None:
    try:
        locks.hold(settings.DATA_DIR / "run" / f"{role}.lock")
    except locks.AlreadyRunning as running:
        raise CommandError(
            f"The {role} of {settings.DATA_DIR} is already running (process {running}). "
            "Stop it first, or set AIOPS_DATA_DIR to another folder."
        ) from None


def _listen() -> socket.socket:
    """Bind before anything else, so that a web that restarts loses no connection attempt."""
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    try:
        return socket.create_server((settings.HOST, settings.PORT), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {settings.HOST}:{settings.PORT}: {error.strerror}. "
            "Stop what uses it, or choose another AIOPS_PORT or AIOPS_HOST."
        ) from None


def _prepare_database(*, is_web: bool) -> list[str]:
    roles.take_database_role("worker")  # a migration may take longer than a page
    if is_web:
        return first_run.prepare()
    first_run.wait_for_migrations()
    return []


def _children(
    chosen: tuple[str, ...], listener: socket.socket | None, lines: list[str]
) -> list[Child]:
    works: dict[str, Callable[[], None]] = {}
    if listener is not None:
        works["web"] = functools.partial(roles.serve_web, listener)
    if "worker" in chosen:
        works |= roles.of_worker()
    if "beat" in chosen:
        works["beat"] = roles.ring_on_time
    children = [Child(name, _without(listener, name, work)) for name, work in works.items()]
    if listener is not None:
        greet = functools.partial(_greet, listener.getsockname()[:2], os.getpid(), lines)
        children.append(Child("", _without(listener, "", greet), is_restarted=False))
    return children


def _estate(listener: socket.socket) -> Child:
    run = functools.partial(sample.run, *listener.getsockname()[:2])
    return Child("estate", _without(listener, "estate", run))


def _without(
    listener: socket.socket | None, name: str, work: Callable[[], None]
) -> Callable[[], None]:
    """Keep the listening socket to the web, or its port would stay taken by the others."""

    def run() -> None:
        if listener is not None and name != "web":
            listener.close()
        work()

    return run


def _greet(address: tuple[str, int], parent: int, lines: list[str]) -> None:
    if not readiness.is_reached(*address):
        print("The console did not get ready; its messages above say why.")  # noqa: T201
        return
    seconds = readiness.seconds_since_process_start(parent)
    print(f"Console: {settings.PUBLIC_URL}  (ready in {seconds:.1f} s)")  # noqa: T201
    for line in lines:
        print(line)  # noqa: T201
