"""The environment of the tests; a plugin, because settings are read before any conftest.py."""

import os
import tempfile
from pathlib import Path

DATA_DIR = Path(tempfile.mkdtemp(prefix="console-test-"))
os.environ["AIOPS_DATA_DIR"] = str(DATA_DIR)
(DATA_DIR / "static").mkdir()
