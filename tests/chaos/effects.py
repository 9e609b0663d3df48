"""A world to act upon: a server on loopback that writes a line into a file for every effect.

It knows which process sent a request, so that a test can end or stop exactly that one.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LONGEST_HOLD_SECONDS = 60


class Effects:
    """Requests to /<name>/<step>. `name` says which run it belongs to.

    What `moments` holds for (name, step, moment) is called, once, with the sender's process id:
    moment is `arrived` (nothing was written), `written` (but not answered) or `answered`.
    """

    def __init__(self, file):
        self.file = file
        self.file.touch()
        self.moments = {}
        self.seconds = 0.0
        self.senders = {}
        self.arrivals = []
        self.gates = {}
        self._server = _server(self)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.opened = f"127.0.0.1/32:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        for gate in self.gates.values():
            gate.set()
        self._server.shutdown()
        self._server.server_close()

    def happened(self):
        """How often each (name, step) took effect."""
        lines = self.file.read_text().splitlines()
        return Counter(tuple(line.split("/")) for line in lines)

    def hold(self, name, step):
        """Its effect happens, and its answer comes only after the event was set."""
        self.gates[name, step] = threading.Event()
        return self.gates[name, step]

    def act(self, name, step, peer):
        """All that happens before the answer; returns the sender."""
        sender = process_at(peer)
        self.senders[name, step] = sender
        self.arrivals.append((time.monotonic(), name, step))
        self.reach("arrived", name, step, sender)
        time.sleep(self.seconds)
        with self.file.open("a") as out:
            out.write(f"{name}/{step}\n")
        self.reach("written", name, step, sender)
        if (name, step) in self.gates:
            self.gates[name, step].wait(LONGEST_HOLD_SECONDS)
        return sender

    def reach(self, moment, name, step, sender):
        if deed := self.moments.pop((name, step, moment), None):
            deed(sender)


def process_at(port):
    """The process that holds the loopback connection from this port."""
    inode = _inode_of(port)
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(descriptor) == f"socket:[{inode}]":
                return int(descriptor.parts[2])
    return None


def _inode_of(port):
    wanted = f"0100007F:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return next((row[9] for row in rows if row[1] == wanted), None)


def _server(effects):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            _, name, step = self.path.split("/")
            sender = effects.act(name, step, self.client_address[1])
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
            effects.reach("answered", name, step, sender)

        do_PUT = do_POST  # noqa: N815 - the name http.server looks for

        def log_message(self, *arguments):
            """The file says what matters."""

    return _Server(("127.0.0.1", 0), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
