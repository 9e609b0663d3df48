import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telemetry.promql.real_prometheus import BINARY, RealPrometheus, running


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    if BINARY is None:
        advice = "Prometheus is not here: apt-get install prometheus"
        pytest.fail(advice) if os.environ.get("CI") == "true" else pytest.skip(advice)
    with running(Path(tmp_path_factory.mktemp("prometheus"))) as server:
        yield server
