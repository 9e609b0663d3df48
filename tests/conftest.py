import os
import shutil

import pytest
from django.db import connections
from hypothesis import settings

from tests.environment import DATA_DIR

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("steady")


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA_DIR, ignore_errors=True)


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
