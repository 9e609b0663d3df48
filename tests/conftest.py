import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, connections
from django.test import TransactionTestCase
from hypothesis import settings

from aiops_site import doorbell
from tests.environment import DATA_DIR

TESTS = Path(__file__).parent
WHOLE_FOLDERS = ("contract", "chaos", "browser")  # the longest in one piece first

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("steady")


def pytest_itemcollected(item: pytest.Item) -> None:
    if _place(item):
        item.add_marker("whole")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is quick comes first, and a worker that is free takes up the longest that is left."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0]
    return WHOLE_FOLDERS.index(folder) + 1 if folder in WHOLE_FOLDERS else 0


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 as ever, with less of the work that it does on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        for cost, least in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, cost, least)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """SQLite is put back as it was after a test that commits: emptying every table costs 100 ms."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            clean = sqlite3.connect(":memory:")
            connection.connection.backup(clean)
            patch.setattr(TransactionTestCase, "_fixture_teardown", partial(_put_back, clean))
        yield


def _put_back(clean: sqlite3.Connection) -> None:
    connection.ensure_connection()
    clean.backup(connection.connection)


@pytest.fixture
def untraced() -> Iterator[None]:
    """For bounds of time and for long arithmetic, since measuring coverage multiplies the work."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    yield
    threading.settrace(in_threads)
    sys.settrace(here)


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks are done where they are rung."""
    assert doorbell.flush(20)
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """SQLite in a file, as in production, so that threads meet real locks.

    A PostgreSQL database is named for the process, so that two runs do not meet.
    """
    database = connections.settings["default"]
    is_sqlite = database["ENGINE"].endswith("sqlite3")
    database["TEST"]["NAME"] = (
        str(DATA_DIR / "test.sqlite3") if is_sqlite else f"test_{os.getpid()}"
    )
