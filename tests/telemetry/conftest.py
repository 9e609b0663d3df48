import pytest

from telemetry import own_metrics


@pytest.fixture(autouse=True)
def own_telemetry(settings, tmp_path):
    """What the console keeps itself, empty for every test."""
    settings.TELEMETRY_URL = f"sqlite:///{tmp_path}/telemetry.sqlite3"
    yield
    own_metrics.store().close()
