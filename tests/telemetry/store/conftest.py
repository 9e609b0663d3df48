"""Both databases, each without anything in it for every test."""

import psycopg
import pytest

from tests.chaos.servers import scratch_database


@pytest.fixture(scope="session")
def postgres_url():
    with scratch_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request, tmp_path):
    """Where logs and spans are kept."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/telemetry.sqlite3"
    url = request.getfixturevalue("postgres_url")
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS telemetry CASCADE")
    return url
