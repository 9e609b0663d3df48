import os
import tempfile

os.environ["AIOPS_DATA_DIR"] = tempfile.mkdtemp(prefix="console-test-")

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("steady")
