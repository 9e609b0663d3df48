"""Senders that never finish, against a real server."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from incidents.api import webhooks
from tests.environment import DATA_DIR

ROOT = Path(__file__).parents[2]
SERVER = """
import socket, sys
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "aiops_site.settings"
django.setup()
from incidents.api import webhooks
webhooks.BODY_SECONDS = 1
async def receive(request):
    try:
        return webhooks.problem(400, str(len(await webhooks.read_body(request, 100_000))))
    except webhooks.Refused as refused:
        return webhooks.problem(refused.status, refused.detail)
app = Starlette(routes=[Route("/", receive, methods=["POST"])])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, http="httptools", log_level="error")).run(sockets=[listener])
"""


@pytest.fixture(scope="module")
def port():
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SERVER],
        cwd=ROOT,
        env=os.environ | {"AIOPS_DATA_DIR": str(DATA_DIR)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_the_bound_is_short():
    assert webhooks.BODY_SECONDS <= 10


def test_a_body_that_trickles_in_is_cut_off(port):
    started_at = time.monotonic()

    with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
        answer = sender.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert time.monotonic() - started_at < 3


def test_chunks_without_end_are_cut_off_at_the_limit(port):
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"

    with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(4):
            sender.sendall(chunk)
        answer = sender.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_chunks_that_never_come_are_not_waited_for(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
        sender.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
        )
        answer = sender.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_sender_that_goes_away_harms_nobody(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")

    with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        answer = sender.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")
