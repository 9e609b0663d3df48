"""Alerts accepted and brought to their final state, each proved to be there once."""

import json
import subprocess
import sys

from benchmarks.console import ROOT, Console
from benchmarks.figures import Figure, at_least

SECONDS = 8
MOST_ALERTS = 20_000
SETTLE_SECONDS = 180
GOALS = {1: 300.0, 10: 0.0, 100: 1000.0}


def measure(console: Console) -> list[Figure]:
    api_token = console.api_token("intake")
    return [figure for batch in GOALS for figure in _load(console, batch, api_token)]


def _load(console: Console, batch: int, api_token: str) -> list[Figure]:
    token = console.token_of("alertmanager", f"load {batch}")
    command = [sys.executable, "-m", "benchmarks.load_alerts", "--target", "webhook"]
    command += ["--url", f"{console.url}/api/v1/webhooks/alertmanager/", "--batch", str(batch)]
    command += ["--auth-header", f"Authorization: Bearer {token}", "--seconds", str(SECONDS)]
    command += ["--list-url", f"{console.url}/api/v1/alerts/?limit=1000"]
    command += ["--list-header", f"Authorization: Bearer {api_token}"]
    command += ["--items-key", "results", "--next-key", "next", "--state-key", "status"]
    command += ["--pid", str(console.process.pid), "--settle", str(SETTLE_SECONDS)]
    command += ["--stall", "60", "--poll", "2", "--max-requests", str(MOST_ALERTS // batch)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return list(_figures(json.loads(ran.stdout.splitlines()[0]), batch))


def _figures(found: dict[str, float], batch: int) -> list[Figure]:
    what = f"in batches of {batch}" if batch > 1 else "singly"
    final = float(found.get("processed_per_s", found["alerts_per_s"]))
    wrong = [f"{found[name]:.0f} {name}" for name in ("lost", "duplicated", "wrong_state")]
    others = f"{found['others_cpu_pct']:.0f} % CPU used by others"
    accepted = float(found["req_per_s"])
    return [
        at_least(f"posts/s accepted {what} (8 connections; {others})", accepted, 300, "/s")
        if batch == 1
        else Figure(f"posts/s accepted {what} ({others})", f"{accepted:,.0f} /s"),
        Figure(f"answer {what}, p50 / p95 / p99", _three(found)),
        at_least(f"alerts/s to their final state {what}", final, GOALS[batch], "/s")
        if batch > 1 and GOALS[batch]
        else Figure(f"alerts/s to their final state {what}", f"{final:,.0f} /s"),
        Figure(f"read back {what}", ", ".join(wrong), "0 of each", bool(found["verified"])),
    ]


def _three(found: dict[str, float]) -> str:
    return " / ".join(f"{found[f'p{p}_ms']:.0f}" for p in (50, 95, 99)) + " ms"
