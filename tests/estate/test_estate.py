import os
import stat
import subprocess
import sys
import time
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from aiops_site.estate import faults, state, supervisord
from aiops_site.estate.alertmanager import fingerprint
from aiops_site.estate.layout import SERVICE_NAMES
from aiops_site.estate.status import status, status_of
from tests.estate.console_edge import is_healthy, wait_for

ALERT_WITHIN_SECONDS = 15
PROJECT = Path(__file__).parents[2]


def processes_of(folder):
    """Ids of live processes that work in the folder."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == folder and (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def firing_names(console, service):
    return {alert["labels"]["alertname"] for alert in console.alerts("firing", service)}


def test_every_service_measures_itself_and_its_callees(estate, module_console):
    def is_measured():
        return all(
            module_console.points(name, "http.server.request.duration") for name in SERVICE_NAMES
        ) and module_console.points("load", "http.client.request.duration")

    assert wait_for(is_measured, 15)

    callees = module_console.points("checkout", "http.client.request.duration")
    assert {dict(key)["peer.service"] for key in callees} == {"payments", "store"}
    memory = module_console.points("store", "process.memory.usage")[()]
    assert 10_000_000 < memory.as_int < 60_000_000
    assert module_console.points("gateway", "shop.requests")[()].as_int > 0
    assert ("/v1/metrics", "Bearer metrics-token") in module_console.tokens


def test_the_state_and_its_secrets_are_private(estate):
    for name in (state.STATE_FILE, state.CONFIG_FILE):
        mode = stat.S_IMODE((estate.folder / name).stat().st_mode)
        assert mode == 0o600

    assert estate.control_token not in repr(estate)
    for pid in processes_of(estate.folder):
        exposed = b"".join(
            Path(f"/proc/{pid}/{part}").read_bytes() for part in ("cmdline", "environ")
        )
        assert b"alert-token" not in exposed
        assert estate.control_token.encode() not in exposed


@pytest.mark.parametrize(
    ("service", "kind", "alertname"),
    [
        ("payments", "errors", "HighErrorRate"),
        ("gateway", "leak", "HighMemory"),
        ("checkout", "dependency", "DependencyDown"),
    ],
)
def test_a_fault_inside_a_process_is_alerted_and_cleared_without_a_restart(
    mended, module_console, service, kind, alertname
):
    before = status(mended)["services"][service]["pid"]

    faults.inject(mended, service, kind)

    assert wait_for(lambda: alertname in firing_names(module_console, service), 15)
    assert status(mended)["services"][service]["fault"] == kind
    faults.clear(mended, service)
    after = status(mended)["services"][service]
    assert (after["pid"], after["fault"]) == (before, None)


def slow_calls(console, caller, callee):
    """How many calls the caller has measured at more than a second."""
    attributes = (("http.request.method", "GET"), ("peer.service", callee))
    point = console.points(caller, "http.client.request.duration")[attributes]
    bound = list(point.explicit_bounds).index(1.0)
    return sum(point.bucket_counts[bound + 1 :])


def test_a_hung_service_is_alerted_first_measured_by_callers_and_healed_by_a_restart(
    mended, module_console
):
    faults.inject(mended, "checkout", "hang")

    assert wait_for(lambda: module_console.webhooks, ALERT_WITHIN_SECONDS)
    first = module_console.webhooks[0]["alerts"][0]
    assert first["labels"]["alertname"] == "ServiceDown"
    assert first["labels"]["service"] == "checkout"
    hung = status(mended)["services"]["checkout"]
    assert (hung["state"], hung["fault"], hung["healthy"]) == ("RUNNING", "hang", False)
    connection = HTTPConnection("127.0.0.1", hung["port"], timeout=0.3)
    connection.request("GET", "/healthz")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert wait_for(lambda: slow_calls(module_console, "gateway", "checkout") >= 3, 10)

    started = time.monotonic()
    supervisord.ask(mended, "stopProcess", "checkout")
    supervisord.ask(mended, "startProcess", "checkout")

    assert time.monotonic() - started < 8
    assert wait_for(lambda: module_console.alerts("resolved", "checkout"), ALERT_WITHIN_SECONDS)
    over = module_console.alerts("resolved", "checkout")[0]
    assert (over["fingerprint"], over["startsAt"]) == (first["fingerprint"], first["startsAt"])
    assert over["endsAt"] > over["startsAt"]


def test_a_crashed_service_stays_down_until_it_is_cleared(mended, module_console):
    faults.inject(mended, "payments", "crash")

    assert wait_for(
        lambda: "ServiceDown" in firing_names(module_console, "payments"), ALERT_WITHIN_SECONDS
    )
    crashed = status(mended)["services"]["payments"]
    assert (crashed["state"], crashed["pid"], crashed["fault"]) == ("EXITED", None, "crash")
    with pytest.raises(faults.ServiceNotRunning):
        faults.inject(mended, "payments", "latency")
    faults.clear(mended, "payments")
    assert wait_for(lambda: status(mended)["services"]["payments"]["pid"], 5)


def test_webhooks_are_alertmanagers_version_four(mended, module_console):
    faults.inject(mended, "store", "latency")
    assert wait_for(lambda: module_console.alerts("firing", "store"), ALERT_WITHIN_SECONDS)

    message = next(m for m in module_console.webhooks if m["groupLabels"]["service"] == "store")

    assert set(message) >= {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels",
        "commonLabels", "commonAnnotations", "externalURL", "alerts",
    }  # fmt: skip
    assert message["version"] == "4"
    alert = message["alerts"][0]
    assert alert["labels"] == {
        "alertname": "HighLatency",
        "service": "store",
        "severity": "high",
        "env": "sample",
        "instance": f"127.0.0.1:{mended.ports['store']}",
    }
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert status(mended)["services"]["store"]["fault"] == "latency"
    assert alert["fingerprint"] == fingerprint(alert["labels"])
    assert ("/api/v1/webhooks/alertmanager/", "Bearer alert-token") in module_console.tokens


def test_the_fault_switch_needs_the_control_token(estate):
    connection = HTTPConnection("127.0.0.1", estate.ports["store"], timeout=3)

    connection.request("PUT", "/fault", b"crash", {"Authorization": "Bearer guess"})
    refused = connection.getresponse().status
    connection.close()

    assert refused == 403
    assert status(estate)["services"]["store"]["fault"] is None


def test_unknown_services_and_faults_are_named(estate):
    with pytest.raises(faults.UnknownService, match="'tills' is not a service"):
        faults.inject(estate, "tills", "crash")
    with pytest.raises(faults.UnknownFault, match="'fire' is not a fault"):
        faults.inject(estate, "store", "fire")


def test_a_second_estate_in_the_same_folder_is_refused(estate):
    with pytest.raises(supervisord.EstateAlreadyRunning):
        supervisord.start(estate.folder.parent, "http://127.0.0.1:9", "a", "m")

    assert is_healthy(estate)


def test_the_command_breaks_shows_and_mends(estate, settings):
    settings.DATA_DIR = estate.folder.parent
    out = StringIO()

    call_command("estate", "fault", "catalog", "latency", stdout=out)
    call_command("estate", "status", "--json", stdout=out)
    call_command("estate", "clear", "catalog", stdout=out)
    call_command("estate", "status", stdout=out)

    said = out.getvalue()
    assert "catalog now has the fault latency." in said
    assert '"running": true' in said
    assert '"fault": "latency"' in said
    assert "catalog is mended." in said
    assert "SERVICE" in said


def test_the_command_says_plainly_that_nothing_runs(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    out = StringIO()

    call_command("estate", "status", "--json", stdout=out)

    assert out.getvalue().strip() == '{"running": false, "services": {}}'
    with pytest.raises(CommandError, match="not running"):
        call_command("estate", "fault", "store", "crash")


def test_services_import_nothing_of_django():
    imported = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, aiops_site.estate.shop, aiops_site.estate.prober, aiops_site.estate.load;"
            "sys.exit('django' in sys.modules)",
        ],
        cwd=PROJECT,
        check=False,
    )

    assert imported.returncode == 0


def test_alerts_wait_for_a_console_that_is_away_and_stopping_leaves_nothing(console, tmp_path):
    console.answer = 503
    running = supervisord.start(tmp_path, console.url, "a", "m")
    assert wait_for(lambda: is_healthy(running), 20)
    hung_pid = status(running)["services"]["store"]["pid"]
    faults.inject(running, "store", "hang")
    assert wait_for((running.folder / state.ALERTS_FILE).exists, ALERT_WITHIN_SECONDS)

    console.answer = 202

    assert wait_for(lambda: console.alerts("firing", "store"), 10)
    started = time.monotonic()
    supervisord.stop(tmp_path, remove_logs=True)
    assert time.monotonic() - started < 8
    assert wait_for(lambda: console.alerts("resolved", "store"), 2)
    assert not Path(f"/proc/{hung_pid}").exists()
    assert processes_of(running.folder) == set()
    assert not running.folder.exists()
    assert status_of(tmp_path) == {"running": False, "services": {}}


def test_the_estate_ends_with_the_process_that_started_it(tmp_path):
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time, pathlib; from aiops_site.estate import supervisord;"
            "supervisord.start(pathlib.Path.cwd(), 'http://127.0.0.1:9', 'a', 'm');"
            "print('up', flush=True); time.sleep(60)",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
    )
    assert owner.stdout.readline() == b"up\n"
    folder = state.folder_of(tmp_path)
    assert len(processes_of(folder)) >= 1 + len(SERVICE_NAMES)

    owner.kill()
    owner.communicate()

    assert wait_for(lambda: not processes_of(folder), 5)
    assert not (folder / state.STATE_FILE).exists()


def test_a_service_dies_with_a_killed_supervisord(tmp_path):
    running = supervisord.start(tmp_path, "http://127.0.0.1:9", "a", "m")
    assert wait_for(lambda: is_healthy(running), 20)
    faults.inject(running, "store", "hang")

    os.kill(running.supervisord_pid, 9)

    assert wait_for(lambda: processes_of(running.folder) == set(), 5)
    supervisord.stop(tmp_path)
