"""The application against its own OpenAPI document, as programs with different rights meet it.

`positive_data_acceptance` is left out: a document cannot say that a named service has to exist,
that a name must be free, that a moment lies ahead or that a runbook's text has to make sense, and
all of that is rightly refused with 400.
"""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from incidents import connecting
from tests.site import world

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
OPTIONS = (
    "--checks all --exclude-checks positive_data_acceptance --seed 1 --workers 2 "
    "--continue-on-failure --no-shrink --generation-database none --warnings off --no-color"
)
CONFIGURATION = """
[dictionaries]
numbers = { values = ["1", "2", "3", "4"] }
slugs = { values = ["checkout", "payments"] }
names = { values = ["mend-medium", "mend-low"] }

[parameters]
"path.id" = { dictionary = "numbers", probability = 0.8 }
"path.number" = { dictionary = "numbers", probability = 0.8 }
"path.slug" = { dictionary = "slugs", probability = 0.8 }
"path.name" = { dictionary = "names", probability = 0.8 }
"""


@pytest.fixture
def populated(served: str) -> str:
    """There is something of each kind, under the numbers and names of `CONFIGURATION`."""
    for slug in ("checkout", "payments"):
        of = world.incident(slug)
        world.alert(of)
        world.series(slug)
        world.message()
        world.run(world.remediation(of))
        world.remediation(of, risk="low")
    return served


def complaints(address: str, token: str, folder: Path, arguments: str) -> str:
    """What schemathesis has to say against the application; empty when all is well."""
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    document = folder / "openapi.json"
    document.write_text(httpx.get(f"{address}/api/v1/schema/", timeout=60).text)
    options = f"{OPTIONS} {arguments}".split()
    header = ("--header", f"Authorization: Bearer {token}")
    done = subprocess.run(  # noqa: S603
        [SCHEMATHESIS, "run", document, "--url", address, *header, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_everything_an_admin_s_program_may_ask_is_answered_as_documented(
    populated: str, tmp_path: Path
) -> None:
    arguments = "--phases examples,coverage,fuzzing,stateful --max-examples 4"

    found = complaints(populated, world.token("admin"), tmp_path, arguments)

    assert not found, found


def test_what_a_viewer_s_program_may_not_do_is_refused_as_documented(
    populated: str, tmp_path: Path
) -> None:
    arguments = "--phases fuzzing --max-examples 2"

    found = complaints(populated, world.token("viewer"), tmp_path, arguments)

    assert not found, found


def test_the_intake_answers_a_sender_as_documented(served: str, tmp_path: Path) -> None:
    sender = connecting.connect("generic", name="sender", by=None)
    arguments = "--include-tag intake --phases coverage,fuzzing --max-examples 10"

    found = complaints(served, sender.token, tmp_path, arguments)

    assert not found, found
