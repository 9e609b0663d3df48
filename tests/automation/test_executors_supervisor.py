import os
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from automation.executors.base import Endpoint
from automation.executors.supervisor import Supervisor
from telemetry.outbound import Guard

LOOPBACK = Guard.from_text("127.0.0.1/32")
CONFIG = """\
[supervisord]
nodaemon = true
logfile = {folder}/supervisord.log
pidfile = {folder}/supervisord.pid
childlogdir = {folder}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[inet_http_server]
port = 127.0.0.1:{port}
username = console
password = s3cret-canary
[unix_http_server]
file = {folder}/s
[program:checkout]
command = sleep 1000
startsecs = 0
[program:idle]
command = sleep 1000
startsecs = 0
autostart = false
[program:deaf]
command = {python} -c "from signal import *; import time; signal(SIGTERM, SIG_IGN); time.sleep(999)"
startsecs = 0
stopwaitsecs = 1
[program:broken]
command = sh -c "echo the config s3cret-canary is missing >&2; exit 3"
autostart = false
startretries = 0
[program:flapping]
command = sh -c "exit 1"
startretries = 1000
[program:absent]
command = /no/such/file
autostart = false
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def supervisord(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sv")
    port = free_port()
    config = folder / "supervisord.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, python=sys.executable))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    process = subprocess.Popen(  # noqa: S603 - a fixed command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = Endpoint(f"http://127.0.0.1:{port}/RPC2", "console", "s3cret-canary")
    try:
        wait_until_ready(endpoint, process)
        yield endpoint
    finally:
        process.terminate()
        process.wait(20)


def wait_until_ready(endpoint, process):
    ends_at = time.monotonic() + 20
    while Supervisor().check(endpoint, guard=LOOPBACK).status != "succeeded":
        assert process.poll() is None
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def restart(endpoint, program, *, seconds=20.0, guard=LOOPBACK):
    said = []
    outcome = Supervisor().run(
        {"method": "restart", "program": program},
        endpoint=endpoint,
        on_output=said.append,
        deadline=time.monotonic() + seconds,
        guard=guard,
    )
    return outcome, said


def info(endpoint, program):
    address = endpoint.url.replace("http://", f"http://{endpoint.username}:{endpoint.secret}@")
    with xmlrpc.client.ServerProxy(address) as proxy:
        return proxy.supervisor.getProcessInfo(program)


def test_a_restart_replaces_the_process(supervisord):
    before = info(supervisord, "checkout")["pid"]

    outcome, said = restart(supervisord, "checkout")

    after = info(supervisord, "checkout")["pid"]
    assert outcome.status == "succeeded"
    assert before != after
    assert said[-1] == f"checkout: pid {before} -> {after}"
    assert outcome.summary == f"checkout was restarted, pid {before} -> {after}."


def test_a_restart_by_unix_socket_replaces_the_process(supervisord, tmp_path_factory):
    folder = next(tmp_path_factory.getbasetemp().glob("sv*"))
    before = info(supervisord, "checkout")["pid"]

    outcome, _ = restart(Endpoint(f"unix://{folder}/s"), "checkout")

    assert outcome.status == "succeeded"
    assert info(supervisord, "checkout")["pid"] != before


def test_a_frozen_process_that_is_deaf_to_term_is_killed_and_started(supervisord):
    before = info(supervisord, "deaf")["pid"]
    os.kill(before, signal.SIGSTOP)

    outcome, _ = restart(supervisord, "deaf")

    assert outcome.status == "succeeded"
    assert info(supervisord, "deaf")["pid"] != before


def test_a_program_that_does_not_run_is_started(supervisord):
    outcome, said = restart(supervisord, "idle")

    assert outcome.status == "succeeded"
    assert "idle is not running; there is nothing to stop" in said
    assert "pid none ->" in outcome.summary


def test_a_crashed_program_is_started(supervisord):
    os.kill(info(supervisord, "checkout")["pid"], signal.SIGSTOP)
    os.kill(info(supervisord, "checkout")["pid"], signal.SIGKILL)

    outcome, _ = restart(supervisord, "checkout")

    assert outcome.status == "succeeded"


def test_a_program_that_dies_at_start_has_its_last_words_told_without_secrets(supervisord):
    outcome, said = restart(supervisord, "broken")

    assert outcome.status == "failed"
    assert outcome.summary.startswith("broken was started and did not stay up.")
    assert "| the config •••• is missing" in said


def test_a_program_in_backoff_is_stopped_and_reported_when_it_dies_again(supervisord):
    outcome, said = restart(supervisord, "flapping")

    assert outcome.status == "failed"
    assert outcome.summary == "flapping was started and did not stay up. flapping is not running."
    assert any("flapping is BACKOFF" in line or "STARTING" in line for line in said)


def test_a_program_without_its_file_is_named(supervisord):
    outcome, _ = restart(supervisord, "absent")

    assert outcome.status == "failed"
    assert outcome.summary.startswith("The program's file does not exist.")


def test_an_unknown_program_is_named(supervisord):
    outcome, said = restart(supervisord, "nothing")

    assert outcome.status == "failed"
    assert outcome.summary == "Supervisor knows no program nothing. Nothing was done."
    assert said == []


def test_a_wrong_password_does_nothing(supervisord):
    before = info(supervisord, "checkout")["pid"]

    outcome, _ = restart(Endpoint(supervisord.url, "console", "wrong"), "checkout")

    assert outcome.status == "failed"
    assert "refused the user name or password. Nothing was done." in outcome.summary
    assert info(supervisord, "checkout")["pid"] == before


def test_a_refused_connection_does_nothing():
    outcome, _ = restart(Endpoint(f"http://127.0.0.1:{free_port()}/RPC2"), "checkout")

    assert outcome.status == "failed"
    assert outcome.summary.endswith("Nothing was done.")


def test_a_connection_the_guard_forbids_is_not_made(supervisord):
    outcome, _ = restart(supervisord, "checkout", guard=Guard())

    assert outcome.status == "failed"
    assert "a forbidden target" in outcome.summary


def test_no_time_left_does_nothing(supervisord):
    outcome, _ = restart(supervisord, "checkout", seconds=-1)

    assert outcome.status == "failed"
    assert outcome.summary == "There was no time left. Nothing was done."


def test_a_step_without_a_connection_fails():
    assert restart(None, "checkout")[0].status == "failed"


def test_the_connection_test_says_what_it_found(supervisord):
    found = Supervisor().check(supervisord, guard=LOOPBACK)
    refused = Supervisor().check(Endpoint(supervisord.url, "console", "no"), guard=LOOPBACK)
    away = Supervisor().check(Endpoint("http://127.0.0.1:1"), guard=Guard())

    assert found.summary.endswith("is RUNNING with 6 programs.")
    assert refused.status == away.status == "failed"


RUNNING = {"statename": "RUNNING", "pid": 41, "description": "pid 41", "spawnerr": ""}


@contextmanager
def scripted(answers):
    """A supervisor that answers a method from `answers`, or drops the connection: None."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            method = xmlrpc.client.loads(body)[1].removeprefix("supervisor.")
            called.append(method)
            answer = answers[method]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if answer is None:
                return
            if not isinstance(answer, bytes):
                answer = xmlrpc.client.dumps((answer,), methodresponse=True).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    called = []
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Endpoint(f"http://127.0.0.1:{server.server_port}"), called
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "answers",
    [
        {"stopProcess": None},
        {"stopProcess": True, "startProcess": None},
        {"stopProcess": True, "startProcess": b"<html>"},
        {"stopProcess": True, "startProcess": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"},
    ],
)
def test_an_answer_lost_after_a_change_was_asked_for_is_unknown_and_not_asked_again(answers):
    with scripted({"getProcessInfo": RUNNING, **answers}) as (endpoint, called):
        outcome, _ = restart(endpoint, "checkout")

    assert outcome.status == "unknown"
    assert outcome.summary.endswith("checkout may or may not have been restarted.")
    assert called == ["getProcessInfo", *answers]


def test_an_answer_lost_before_anything_was_changed_is_a_failure():
    with scripted({"getProcessInfo": None}) as (endpoint, called):
        outcome, _ = restart(endpoint, "checkout")

    assert outcome.status == "failed"
    assert outcome.summary.endswith("Nothing was done.")
    assert called == ["getProcessInfo"]


def test_a_program_that_is_stopping_is_waited_for():
    states = [RUNNING | {"statename": name} for name in ("STOPPING", "STOPPING", "STOPPED")]
    answers = {"getProcessInfo": [*states, RUNNING], "startProcess": True}

    with scripted(answers) as (endpoint, called):
        outcome, _ = restart(endpoint, "checkout")

    assert outcome.status == "succeeded"
    assert "stopProcess" not in called


def test_a_program_that_is_not_running_after_its_start_is_a_failure():
    states = [RUNNING, RUNNING | {"statename": "EXITED"}]
    answers = {"getProcessInfo": states, "stopProcess": True, "startProcess": True}

    with scripted(answers) as (endpoint, _):
        outcome, _ = restart(endpoint, "checkout")

    assert outcome == type(outcome)("failed", "checkout was started and is now EXITED.")


def test_a_start_that_is_confirmed_succeeds_even_if_the_last_look_is_lost():
    answers = {"getProcessInfo": [RUNNING, None], "stopProcess": True, "startProcess": True}

    with scripted(answers) as (endpoint, _):
        outcome, _ = restart(endpoint, "checkout")

    assert outcome.status == "succeeded"


def test_a_supervisor_that_never_answers_is_left_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        endpoint = Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/RPC2")
        outcome, _ = restart(endpoint, "checkout", seconds=0.3)

    assert outcome.status == "failed"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("idle", "succeeded", "has a program idle."),
        ("warehouse", "failed", "has no program warehouse."),
    ],
)
def test_a_program_is_looked_for_before_anything_is_done(supervisord, program, status, words):
    request = {"method": "restart", "program": program}

    found = Supervisor().find(request, supervisord, guard=LOOPBACK)

    assert (found.status, found.summary) == (status, words)


def test_whether_a_program_is_there_is_unknown_when_nobody_answers():
    request = {"method": "restart", "program": "checkout"}
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        endpoint = Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/RPC2")
        found = Supervisor().find(request, endpoint, guard=LOOPBACK)

    assert found.status == "unknown"
    assert time.monotonic() - began < 3
