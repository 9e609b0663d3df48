import os
import tempfile

os.environ["AIOPS_DATA_DIR"] = tempfile.mkdtemp(prefix="console-test-")

import pytest  # noqa: E402
from django.db import connections  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """SQLite in a file, as in production, so that threads meet real locks."""
    database = connections.settings["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = os.path.join(os.environ["AIOPS_DATA_DIR"], "test.sqlite3")
