"""The application against its own OpenAPI document, as programs with different rights meet it.

Everything the document describes has to be accepted, or answered with 409 by what stands in its
way; 400 only where the document says in words what it cannot describe (`schema_refusals`).
"""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from aiops_site.schema import WORDS
from tests.site.world import RUNBOOK

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
HOOKS = Path(__file__).with_name("protobuf.py")
OPTIONS = (
    "--checks all --seed 1 --workers 1 --continue-on-failure --no-shrink "
    "--generation-database none --warnings off --no-color"
)
DOCUMENT = RUNBOOK.format(name="mend-medium", risk="medium").replace('"', '\\"')
CONFIGURATION = f"""
[dictionaries]
keys = {{ values = ["1", "2", "3", "4"] }}
numbers = {{ values = [1, 2, 3, 4] }}
slugs = {{ values = ["checkout", "payments"] }}
names = {{ values = ["mend-medium", "mend-low"] }}
matchers = {{ values = ["service=checkout", "severity=~critical|high"] }}
windows = {{ values = ["always", "mon-fri 08:00-18:00 Europe/Berlin"] }}
searches = {{ values = ["is:open", "severity:>=high sort:-opened"] }}
metrics = {{ values = ["http.server.request.duration.p95"] }}
people = {{ values = ["admin"] }}
documents = {{ values = [\"""{DOCUMENT}\"""] }}

[parameters]
"path.id" = {{ dictionary = "keys", probability = 0.8 }}
"path.number" = {{ dictionary = "keys", probability = 0.8 }}
"path.slug" = {{ dictionary = "slugs", probability = 0.8 }}
"path.name" = {{ dictionary = "names", probability = 0.8 }}
"query.q" = {{ dictionary = "searches", probability = 0.5 }}
"query.service" = {{ dictionary = "slugs", probability = 0.8 }}
"query.metric" = {{ dictionary = "metrics", probability = 0.8 }}
"body.service" = {{ dictionary = "slugs", probability = 0.8 }}
"body.caller" = {{ dictionary = "slugs", probability = 0.8 }}
"body.callee" = {{ dictionary = "slugs", probability = 0.8 }}
"body.incident" = {{ dictionary = "numbers", probability = 0.8 }}
"body.into" = {{ dictionary = "numbers", probability = 0.8 }}
"body.step" = {{ dictionary = "numbers", probability = 0.8 }}
"body.version" = {{ dictionary = "numbers", probability = 0.8 }}
"body.runbook" = {{ dictionary = "names", probability = 0.8 }}
"body.then.runbook" = {{ dictionary = "names", probability = 0.8 }}
"body.guardrails.window" = {{ dictionary = "windows", probability = 0.8 }}
"body.matchers[*]" = {{ dictionary = "matchers", probability = 0.8 }}
"body.when.matchers[*]" = {{ dictionary = "matchers", probability = 0.8 }}
"body.query" = {{ dictionary = "searches", probability = 0.8 }}

[[operations]]
include-operation-id = "incidents_assign_create"
parameters."body.to" = {{ dictionary = "people", probability = 0.8 }}

[[operations]]
include-operation-id = ["runbooks_create", "runbooks_versions_create"]
parameters."body.text" = {{ dictionary = "documents", probability = 0.8 }}

[[operations]]
include-operation-id = %s
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]

[phases.stateful]
generation.max-examples = 20
"""


def complaints(address: str, token: str, folder: Path, arguments: str) -> str:
    """What schemathesis has to say against the application; empty when all is well."""
    answer = httpx.get(f"{address}/api/v1/schema/", timeout=60)
    (folder / "schemathesis.toml").write_text(CONFIGURATION % refusing(answer.json()))
    document = folder / "openapi.json"
    document.write_text(answer.text)
    options = f"{OPTIONS} {arguments}".split()
    header = ("--header", f"Authorization: Bearer {token}")
    done = subprocess.run(  # noqa: S603
        [SCHEMATHESIS, "run", document, "--url", address, *header, *options],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def refusing(document: dict) -> list[str]:
    """The operations that say in words of their own what they answer with 400."""
    return [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if operation["responses"].get("400", {}).get("description") not in (None, WORDS["400"])
    ]
