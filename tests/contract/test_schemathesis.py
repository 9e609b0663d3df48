"""The application against its own OpenAPI document, as programs meet it."""

import subprocess
import sys
from pathlib import Path

import pytest

from incidents import connecting
from tests.site import world

CHECKS = ",".join(
    (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "unsupported_method",
        "ignored_auth",
    )
)
CONFIGURATION = """
[parameters]
"path.id" = {{ dictionary = "numbers", probability = 0.8 }}
"""


def test_x(served, tmp_path):
    of = world.incident()
    world.alert(of)
    world.run(world.remediation(of))
    world.series()
    world.message()
    token = world.token("admin")
    args = ["schemathesis", "run", f"{served}/api/v1/schema/", "-H", f"Authorization: Bearer {token}",
      "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--seed", "1", "--workers","2", "--generation-database", "none", "--no-shrink", "--continue-on-failure", "--no-color", "--output-truncate", "false"]
    r = subprocess.run([str(Path(sys.executable).with_name("schemathesis")), *args[1:]], capture_output=True, text=True, cwd=tmp_path)
    Path("/tmp/st_out.txt").write_text(r.stdout + r.stderr)
    assert r.returncode == 0
